"""The service that is replaced, as the contract has it. It calls DynamoDB without an SDK, which an
emulator does not need, and does not check signatures."""

import json
import os
import urllib.parse
import urllib.request

KEY = "modulo1Id"


def dynamodb(operation, **body):
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"],
        json.dumps({"TableName": os.environ["TABLE"], **body}).encode(),
        {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
            "authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    return json.load(urllib.request.urlopen(request))


def answer(status, body):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body, ensure_ascii=False),
    }


def handler(event, context):
    method = event["requestContext"]["http"]["method"]
    id = urllib.parse.unquote(event["rawPath"]).removeprefix("/modulo1").removeprefix("/")
    key = {KEY: {"S": id}}
    if method == "GET":
        item = dynamodb("GetItem", Key=key).get("Item")
        if item is None:
            return answer(404, {"ERROR": {"message": "Resource does not exist"}})
        return answer(200, {"GET": {KEY: id, "data": item.get("data", {}).get("S")}})
    if method == "DELETE":
        dynamodb("DeleteItem", Key=key)
        return answer(200, {"DELETE": {KEY: id}})
    if method not in ("POST", "PUT"):
        return answer(405, {"ERROR": {"message": "Method not allowed"}})
    document = json.loads(event["body"])
    text = json.dumps(document, ensure_ascii=False)
    if method == "POST":
        dynamodb("PutItem", Item={**key, "data": {"S": text}})
        return answer(200, {"POST": {KEY: id, "data": document}})
    updated = dynamodb(
        "UpdateItem",
        Key=key,
        UpdateExpression="SET #d = :d",
        ExpressionAttributeNames={"#d": "data"},
        ExpressionAttributeValues={":d": {"S": text}},
        ReturnValues="UPDATED_NEW",
    )
    return answer(200, {"PUT": {KEY: id, "item": updated["Attributes"]}})
