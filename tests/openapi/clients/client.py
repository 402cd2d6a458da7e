"""Calls a live server with openapi-python-client's client: python client.py FOLDER URL"""

import importlib
import pkgutil
import sys

sys.path.insert(0, sys.argv[1])
import client as package
from client.api.rooms import create_rooms, delete_rooms, get_rooms, list_rooms, patch_rooms
from client.models import ListRoomsOrder, MergePatchObject, Problem, RoomsDocument

modules = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(package.__path__, "client.")
]

server = package.Client(base_url=sys.argv[2])
made = [
    create_rooms.sync(client=server, body=RoomsDocument(building="client", floor=floor))
    for floor in (1, 2, 3)
]

read = get_rooms.sync(made[0].id, client=server)
assert (read.id, read.building, read.floor) == (made[0].id, "client", 1), read

found, cursor = [], package.types.UNSET
while True:
    page = list_rooms.sync(
        client=server, building="client", order=ListRoomsOrder.ASC, limit=1, cursor=cursor
    )
    found += [item.item.floor for item in page.items]
    cursor = page.next_
    if cursor is None:
        break
assert found == [1, 2, 3], found

patched = patch_rooms.sync(
    made[0].id, client=server, body=MergePatchObject.from_dict({"floor": 9})
)
assert (patched.floor, patched.building) == (9, "client"), patched

for room in made:
    assert delete_rooms.sync_detailed(room.id, client=server).status_code == 204
gone = get_rooms.sync(made[0].id, client=server)
assert isinstance(gone, Problem) and gone.detail == "Resource does not exist", gone

print(f"openapi-python-client: {len(modules)} modules imported, called")
