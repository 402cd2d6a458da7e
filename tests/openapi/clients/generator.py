"""Calls a live server with OpenAPI Generator's Python client: python generator.py FOLDER URL"""

import importlib
import pkgutil
import sys

sys.path.insert(0, sys.argv[1])
import openapi_client
from openapi_client.exceptions import NotFoundException

# What is never used is imported too: a model that is missing shows there.
modules = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(openapi_client.__path__, "openapi_client.")
]

client = openapi_client.ApiClient(openapi_client.Configuration(host=sys.argv[2]))
rooms = openapi_client.RoomsApi(client)
made = [
    rooms.create_rooms(openapi_client.RoomsDocument(building="python", floor=floor))
    for floor in (1, 2, 3)
]

read = rooms.get_rooms(made[0].id)
assert (read.id, read.building, read.floor) == (made[0].id, "python", 1), read

found, cursor = [], None
while True:
    page = rooms.list_rooms(building="python", order="asc", limit=1, cursor=cursor)
    found += [item.item.floor for item in page.items]
    cursor = page.next
    if cursor is None:
        break
assert found == [1, 2, 3], found

patched = rooms.patch_rooms(made[0].id, {"floor": 9})
assert (patched.floor, patched.building) == (9, "python"), patched

for room in made:
    rooms.delete_rooms(room.id)
try:
    rooms.get_rooms(made[0].id)
    raise AssertionError("a deleted room is there")
except NotFoundException as error:
    assert error.data.detail == "Resource does not exist", error.data

print(f"OpenAPI Generator, python: {len(modules)} modules imported, called")
