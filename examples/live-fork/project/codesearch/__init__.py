"""Finds functions and classes in Python sources by what is said in them."""
