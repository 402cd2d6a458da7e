"""The function of many small services: Flask, behind an adapter of Lambda's events."""

import json
import os

import boto3
from apig_wsgi import make_lambda_handler
from flask import Flask, abort, jsonify, request

app = Flask(__name__)
key = os.environ["KEY"]
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


@app.get("/modulo1/<id>")
def read(id: str):
    item = table.get_item(Key={key: id}).get("Item")
    if item is None:
        abort(404)
    return jsonify(GET={key: id, "data": item["data"]})


@app.post("/modulo1/<id>")
def write(id: str):
    text = request.get_data(as_text=True)
    json.loads(text)
    item = {key: id, "data": text}
    table.put_item(Item=item)
    return jsonify(POST=item)


handler = make_lambda_handler(app)
