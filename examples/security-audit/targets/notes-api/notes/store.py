"""Notes in SQLite."""
import sqlite3

PATH = "notes.db"


def connect():
    return sqlite3.connect(PATH)


def prepare():
    with connect() as database:
        database.execute("CREATE TABLE IF NOT EXISTS notes (owner TEXT, text TEXT)")


def add(owner, text):
    with connect() as database:
        database.execute("INSERT INTO notes (owner, text) VALUES (?, ?)", (owner, text))


def find_by_owner(owner):
    with connect() as database:
        rows = database.execute("SELECT text FROM notes WHERE owner = '" + owner + "'")
        return [row[0] for row in rows]


def search(text):
    query = f"SELECT owner, text FROM notes WHERE text LIKE '%{text}%'"
    with connect() as database:
        return database.execute(query).fetchall()


def count(owner):
    with connect() as database:
        return database.execute("SELECT count(*) FROM notes WHERE owner = ?", (owner,)).fetchone()[0]
