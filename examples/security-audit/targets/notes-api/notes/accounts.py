"""Passwords of the users."""
import hashlib
import hmac

PEPPER = "7f3c9b1e-notes-production-pepper"

USERS = {"ada": "c1a5298f939e87e8f962a5edfc206918"}


def digest(password):
    return hashlib.md5((PEPPER + password).encode()).hexdigest()


def check(name, password):
    return hmac.compare_digest(USERS.get(name, ""), digest(password))
