"""The service that one would write: FastAPI over SQLite, as their documentation shows it."""

import os
import sqlite3
import threading
import uuid

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

app = FastAPI()
local = threading.local()


class Room(BaseModel):
    name: str
    chairs: int


def database() -> sqlite3.Connection:
    """A connection for each thread."""
    if not hasattr(local, "connection"):
        path = os.environ["DATABASE"]
        local.connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        local.connection.execute("PRAGMA journal_mode = WAL")
        local.connection.execute(
            "CREATE TABLE IF NOT EXISTS rooms (id TEXT PRIMARY KEY, name TEXT, chairs INTEGER)"
        )
    return local.connection


def room(row: tuple) -> dict:
    return {"id": row[0], "name": row[1], "chairs": row[2]}


@app.get("/rooms/{id}")
def read(id: str) -> dict:
    row = database().execute("SELECT * FROM rooms WHERE id = ?", [id]).fetchone()
    if row is None:
        raise HTTPException(404)
    return room(row)


@app.get("/rooms")
def list_rooms(limit: int = 25) -> list[dict]:
    rows = database().execute("SELECT * FROM rooms LIMIT ?", [limit]).fetchall()
    return [room(row) for row in rows]


@app.post("/rooms", status_code=201)
def create(document: Room, response: Response) -> dict:
    id = str(uuid.uuid4())
    values = [id, document.name, document.chairs]
    database().execute("INSERT INTO rooms VALUES (?, ?, ?)", values)
    response.headers["location"] = f"/rooms/{id}"
    return {"id": id, **document.model_dump()}
