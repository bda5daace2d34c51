"""The system of record: tables, transactions, and one module of verbs per noun.

Every verb takes an open transaction (`engine.Tx`) first; whoever opened it decides what happens
together. SQL lives in this room alone. SQLite is the default, PostgreSQL serves when several hosts
send; the same code runs on both and the same tests hold on both.
"""
