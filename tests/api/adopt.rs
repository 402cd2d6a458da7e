//! `modulo adopt`: tables of each kind, and what it makes of them.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, LocalSecondaryIndex, Projection, ProjectionType, ScalarAttributeType, Tag,
    TimeToLiveSpecification,
};
use modulo::local::{self, Data, Engine};
use modulo::store::Store;

use crate::command::Folder;

/// An engine, and a folder without a `modules.toml`.
struct Tables {
    engine: Engine,
    dynamodb: DynamoDb,
    folder: Folder,
}

/// An index: its name, its keys, what it projects, and whether it is local.
type Index<'a> = (&'a str, &'a [&'a str], ProjectionType, bool);

impl Tables {
    async fn new() -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let store = Store::new(&local::settings(&engine.endpoint()).await);
        let folder = Folder::with("");
        std::fs::remove_file(folder.path().join("modules.toml")).unwrap();
        Self {
            engine,
            dynamodb: store.client().clone(),
            folder,
        }
    }

    /// Makes a table; `attributes` are all that keys have, each with its type.
    async fn make(
        &self,
        name: &str,
        key: &[&str],
        attributes: &[(&str, &str)],
        indexes: &[Index<'_>],
    ) {
        let mut call = self.dynamodb.create_table().table_name(name);
        call = call.billing_mode(BillingMode::PayPerRequest);
        call = call.set_key_schema(Some(schema(key)));
        for (attribute, of_type) in attributes {
            let definition = AttributeDefinition::builder().attribute_name(*attribute);
            let definition = definition.attribute_type(ScalarAttributeType::from(*of_type));
            call = call.attribute_definitions(definition.build().unwrap());
        }
        for (name, keys, projected, is_local) in indexes {
            let projection = Projection::builder().projection_type(projected.clone());
            let projection = match projected {
                ProjectionType::Include => projection.non_key_attributes("floor"),
                _ => projection,
            };
            let projection = projection.build();
            let schema = Some(schema(keys));
            call = if *is_local {
                let index = LocalSecondaryIndex::builder().index_name(*name);
                let index = index.set_key_schema(schema).projection(projection);
                call.local_secondary_indexes(index.build().unwrap())
            } else {
                let index = GlobalSecondaryIndex::builder().index_name(*name);
                let index = index.set_key_schema(schema).projection(projection);
                call.global_secondary_indexes(index.build().unwrap())
            };
        }
        call.send().await.unwrap();
    }

    async fn put(&self, table: &str, attributes: &[(&str, AttributeValue)]) {
        let mut put = self.dynamodb.put_item().table_name(table);
        for (name, value) in attributes {
            put = put.item(*name, value.clone());
        }
        put.send().await.unwrap();
    }

    async fn set_ttl(&self, table: &str, attribute: &str) {
        let ttl = TimeToLiveSpecification::builder().attribute_name(attribute);
        let call = self.dynamodb.update_time_to_live().table_name(table);
        let call = call.time_to_live_specification(ttl.enabled(true).build().unwrap());
        call.send().await.unwrap();
    }

    async fn set_stack(&self, table: &str, stack: &str) {
        let described = self
            .dynamodb
            .describe_table()
            .table_name(table)
            .send()
            .await;
        let arn = described.unwrap().table.unwrap().table_arn.unwrap();
        // Other tags stand before it, on another page of AWS's.
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
        let call = self.dynamodb.tag_resource().resource_arn(arn);
        let call = call.tags(tag("team", "rooms"));
        let call = call.tags(tag("aws:cloudformation:stack-name", stack));
        call.send().await.unwrap();
    }

    async fn adopt(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let endpoint = self.engine.endpoint();
        let mut all = vec!["adopt", "--stage", "dev", "--endpoint-url", &endpoint];
        all.extend(arguments);
        self.folder.run(&all).await
    }
}

fn schema(keys: &[&str]) -> Vec<KeySchemaElement> {
    let roles = [KeyType::Hash, KeyType::Range];
    let elements = keys.iter().zip(roles).map(|(name, role)| {
        let element = KeySchemaElement::builder().attribute_name(*name);
        element.key_type(role).build().unwrap()
    });
    elements.collect()
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

/// The tables of a team: of the contract, with other keys, with native members and indexes.
async fn team() -> Tables {
    let tables = Tables::new().await;
    tables
        .make("modulo1-dev", &["modulo1Id"], &[("modulo1Id", "S")], &[])
        .await;
    tables
        .put(
            "modulo1-dev",
            &[("modulo1Id", s("sala90")), ("data", s("{\"chairs\": 90}"))],
        )
        .await;
    tables.set_stack("modulo1-dev", "modulo1-service-dev").await;

    tables
        .make("shop.orders", &["number"], &[("number", "N")], &[])
        .await;
    for number in ["1", "2"] {
        let order = [
            ("number", n(number)),
            ("payload", s("[1]")),
            ("zip", s("12345")),
            ("until", n("4102444800")),
        ];
        tables.put("shop.orders", &order).await;
    }
    tables.set_ttl("shop.orders", "until").await;

    let all = ProjectionType::All;
    tables
        .make(
            "bookings_dev",
            &["roomId", "at"],
            &[
                ("roomId", "S"),
                ("at", "N"),
                ("guest", "S"),
                ("floor", "N"),
                ("blob", "B"),
            ],
            &[
                ("by-guest", &["guest", "floor"], all.clone(), false),
                ("keys-only", &["guest"], ProjectionType::KeysOnly, false),
                ("a-part", &["guest"], ProjectionType::Include, false),
                ("by-blob", &["blob"], all.clone(), false),
                ("local", &["roomId", "guest"], all, true),
            ],
        )
        .await;
    let booking = [
        ("roomId", s("sala90")),
        ("at", n("1")),
        ("guest", s("Ana")),
        ("notes", s("[]")),
    ];
    tables.put("bookings_dev", &booking).await;
    tables
        .put("bookings_dev", &[("roomId", s("sala91")), ("at", n("1"))])
        .await;

    tables.make("empty-dev", &["id"], &[("id", "S")], &[]).await;
    tables.make("blobs-dev", &["id"], &[("id", "B")], &[]).await;
    tables
        .make("reserved-dev", &["data"], &[("data", "S")], &[])
        .await;
    tables
}

#[tokio::test]
async fn tables_become_modules() {
    let tables = team().await;
    let (status, stdout, stderr) = tables.adopt(&["--dry-run", "--prefix", ""]).await;
    assert_eq!(status, Some(0), "{stderr}");
    insta::assert_snapshot!(stdout);
    insta::assert_snapshot!(stderr);
    assert!(!tables.folder.path().join("modules.toml").exists());
}

#[tokio::test]
async fn only_the_tables_are_read_that_are_meant() {
    let tables = team().await;
    let (status, stdout, _) = tables.adopt(&["--dry-run", "empty-dev"]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @r##"
    [modules.empty]
    key = "id"
    table = "{module}-{stage}"
    create = false                # no stack has the table; without this line, a deployment takes it over
    # storage = "document"        # the table is empty; without the `#`, members are native attributes
    "##);
    let (_, stdout, _) = tables.adopt(&["--dry-run", "--prefix", "modulo"]).await;
    assert!(stdout.starts_with("[modules.modulo1]\n"), "{stdout}");
    assert_eq!(stdout.matches("[modules.").count(), 1);

    let (status, _, stderr) = tables.adopt(&["rooms-dev", "empty-dev"]).await;
    let expected = "there is no table `rooms-dev` in DynamoDB at http://127.0.0.1:";
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with(expected), "{stderr}");
    let (status, _, stderr) = tables.adopt(&[]).await;
    assert_eq!(status, Some(1));
    assert_eq!(
        stderr,
        "name the tables, or what their names begin with, with --prefix\n"
    );
    let (status, _, stderr) = tables.folder.run(&["adopt", "empty-dev"]).await;
    assert_eq!(status, Some(1));
    assert_eq!(
        stderr,
        "name the DynamoDB that has the tables, with --aws or --endpoint-url\n"
    );
    assert!(!tables.folder.path().join("modules.toml").exists());
}

#[tokio::test]
async fn what_is_in_the_file_stays() {
    let tables = team().await;
    let key = [("id", "S"), ("version", "S")];
    let versions = "modulo1-dev-history";
    tables.make(versions, &["id", "version"], &key, &[]).await;
    let before = "[modules.empty]\nkey = \"x\"\ntable = \"other\"\n\n\
                  [modules.mine]\nkey = \"modulo1Id\"\ntable = \"modulo1-{stage}\"\n\
                  history = \"90d\"\n";
    let file = tables.folder.path().join("modules.toml");
    std::fs::write(&file, before).unwrap();
    let (status, stdout, stderr) = tables.adopt(&["modulo1-dev", versions, "empty-dev"]).await;
    assert_eq!(
        (status, stdout.as_str()),
        (Some(0), "there is nothing to add\n")
    );
    insta::assert_snapshot!(stderr, @"
    table `modulo1-dev` is left out: module `mine` has it already
    table `modulo1-dev-history` is left out: it has the versions of module `mine`
    table `empty-dev` is left out: there is another module `empty` already; add this one by hand, under another name
    ");
    assert_eq!(std::fs::read_to_string(file).unwrap(), before);
}

/// What `serverless package` writes, with what CloudFormation fills in, and resources of other types.
const TEMPLATE: &str = r#"{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Resources": {
    "Bucket": { "Type": "AWS::S3::Bucket" },
    "Rooms": {
      "Type": "AWS::DynamoDB::Table",
      "DeletionPolicy": "Retain",
      "Properties": {
        "TableName": "rooms-dev",
        "AttributeDefinitions": [
          { "AttributeName": "roomId", "AttributeType": "S" },
          { "AttributeName": "building", "AttributeType": "S" }
        ],
        "KeySchema": [{ "AttributeName": "roomId", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [
          {
            "IndexName": "by-building",
            "KeySchema": [{ "AttributeName": "building", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" }
          }
        ],
        "TimeToLiveSpecification": { "AttributeName": "until", "Enabled": true },
        "BillingMode": "PAY_PER_REQUEST"
      }
    },
    "Named": {
      "Type": "AWS::DynamoDB::Table",
      "Properties": {
        "TableName": { "Fn::Sub": "x-${AWS::Region}" },
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }]
      }
    }
  }
}"#;

#[tokio::test]
async fn a_template_says_what_its_tables_are() {
    let tables = Tables::new().await;
    std::fs::write(tables.folder.path().join("stack.json"), TEMPLATE).unwrap();
    let offline = [
        "adopt",
        "--stage",
        "dev",
        "--dry-run",
        "--from",
        "stack.json",
    ];
    let (status, stdout, stderr) = tables.folder.run(&offline).await;
    assert_eq!(status, Some(0), "{stderr}");
    insta::assert_snapshot!(stdout, @r#"
    [modules.rooms]
    key = "roomId"
    table = "{module}-{stage}"
    create = false                # the stack of `stack.json` made the table
    storage = "document"          # no item was seen; an index needs it
    ttl = "until"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    "#);
    insta::assert_snapshot!(stderr, @"resource `Named` of `stack.json` is left out: its TableName is not a plain text; give the table's name as an argument, with --aws and without --from");

    // Beside DynamoDB, only the names are the template's.
    let attributes = [("roomId", "S"), ("building", "S")];
    let index: Index<'_> = ("by-building", &["building"], ProjectionType::All, false);
    tables
        .make("rooms-dev", &["roomId"], &attributes, &[index])
        .await;
    tables
        .put(
            "rooms-dev",
            &[("roomId", s("sala90")), ("building", s("A"))],
        )
        .await;
    let (status, stdout, _) = tables.adopt(&["--dry-run", "--from", "stack.json"]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(stdout, @r#"
    [modules.rooms]
    key = "roomId"
    table = "{module}-{stage}"
    create = false                # no stack has the table; without this line, a deployment takes it over
    storage = "document"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    "#);

    let (_, stdout, _) = tables
        .folder
        .run(&[&offline[..], &["--prefix", "x"]].concat())
        .await;
    assert_eq!(stdout, "there is nothing to add\n");
    std::fs::write(tables.folder.path().join("stack.json"), "Resources:\n").unwrap();
    let (status, _, stderr) = tables.folder.run(&offline).await;
    assert_eq!(status, Some(1));
    assert!(
        stderr.starts_with("`stack.json` is not a CloudFormation template in JSON; "),
        "{stderr}"
    );
}

/// The file that is written can be read, and its modules serve the tables.
#[tokio::test]
async fn the_modules_serve_the_tables() {
    let tables = team().await;
    let (status, stdout, stderr) = tables.adopt(&["--prefix", ""]).await;
    assert_eq!(status, Some(0), "{stdout}{stderr}");
    let endpoint = tables.engine.endpoint();
    let served = tables
        .folder
        .serve(&["--stage", "dev", "--endpoint-url", &endpoint])
        .await;
    for (path, found) in [
        ("/modulo1/sala90", r#"{\"chairs\": 90}"#),
        ("/shop-orders/2", "[1]"),
        ("/bookings/sala90/1", "Ana"),
    ] {
        let answer = served.send("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(answer.body.contains(found), "{path}: {}", answer.body);
    }
    // Once more, nothing is left to do.
    let (_, stdout, _) = tables.adopt(&["--prefix", ""]).await;
    assert_eq!(stdout, "there is nothing to add\n");
}
