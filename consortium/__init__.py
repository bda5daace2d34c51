"""Consortium."""
