"""The function that one would write in Python with Powertools, as its documentation shows it."""

import json
import os

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

app = LambdaFunctionUrlResolver()
logger = Logger(service="rooms")
key = os.environ["KEY"]
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


@app.get("/modulo1/<id>")
def read(id: str) -> dict:
    item = table.get_item(Key={key: id}).get("Item")
    if item is None:
        raise NotFoundError(id)
    return {"GET": {key: id, "data": item["data"]}}


@app.post("/modulo1/<id>")
def write(id: str) -> dict:
    text = app.current_event.body
    json.loads(text)
    item = {key: id, "data": text}
    table.put_item(Item=item)
    return {"POST": item}


@logger.inject_lambda_context
def handler(event: dict, context: object) -> dict:
    return app.resolve(event, context)
