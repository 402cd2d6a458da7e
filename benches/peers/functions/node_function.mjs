// The function that one would write with Node.js and version 3 of the SDK, as its documentation shows it.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";

const client = DynamoDBDocumentClient.from(new DynamoDBClient());
const TableName = process.env.TABLE;
const key = process.env.KEY;

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const handler = async (event) => {
  const id = decodeURIComponent(event.rawPath.split("/").pop());
  switch (event.requestContext.http.method) {
    case "GET": {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { [key]: id } }));
      return Item ? answer(200, { GET: { [key]: id, data: Item.data } }) : answer(404, {});
    }
    case "POST": {
      JSON.parse(event.body);
      const item = { [key]: id, data: event.body };
      await client.send(new PutCommand({ TableName, Item: item }));
      return answer(200, { POST: item });
    }
    default:
      return answer(405, {});
  }
};
