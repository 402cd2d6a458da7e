//! Tables that are there already, and are not as their modules need them.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription,
};
use modulo::local::{self, Data, Engine};
use modulo::store::Store;
use tokio::io::AsyncReadExt;

use crate::app::{TestApp, parse};
use crate::command::Folder;

const ROOMS: &str = r#"
    [modules.good]
    key = "goodId"

    [modules.rooms]
    key = "roomId"
    storage = "document"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    sort = { attribute = "floor", type = "N" }
"#;

async fn client(engine: &Engine) -> DynamoDb {
    let store = Store::new(&local::settings(&engine.endpoint()).await);
    store.client().clone()
}

/// A table whose keys are these: a name, a type and a role each.
fn table(
    dynamodb: &DynamoDb,
    name: &str,
    keys: &[(&str, &str, KeyType)],
) -> CreateTableFluentBuilder {
    let mut call = dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind, role) in keys {
        call = call
            .attribute_definitions(definition(attribute, kind))
            .key_schema(element(attribute, role));
    }
    call
}

fn definition(attribute: &str, kind: &str) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(attribute)
        .attribute_type(ScalarAttributeType::from(kind))
        .build()
        .unwrap()
}

fn element(attribute: &str, role: &KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(attribute)
        .key_type(role.clone())
        .build()
        .unwrap()
}

/// `by-building` of these attributes.
fn index(keys: &[(&str, KeyType)], projection: ProjectionType) -> GlobalSecondaryIndex {
    let schema = keys
        .iter()
        .map(|(name, role)| element(name, role))
        .collect();
    let projection = Projection::builder().projection_type(projection).build();
    GlobalSecondaryIndex::builder()
        .index_name("by-building")
        .set_key_schema(Some(schema))
        .projection(projection)
        .build()
        .unwrap()
}

async fn described(dynamodb: &DynamoDb, table: &str) -> TableDescription {
    let call = dynamodb.describe_table().table_name(table);
    call.send().await.unwrap().table.unwrap()
}

/// What `modulo serve` says of a table of `rooms`, and whether it serves that module.
async fn served(dynamodb_of: &Engine, modules: &str, path: &str) -> (String, u16) {
    let folder = Folder::with(modules);
    let mut served = folder
        .serve(&["--endpoint-url", &dynamodb_of.endpoint()])
        .await;
    assert_eq!(served.send("PUT", "/good/x", "1").await.status, 200);
    let status = served.send("GET", path, "").await.status.as_u16();
    let mut stderr = served.process.stderr.take().unwrap();
    served.process.kill().await.unwrap();
    let mut said = String::new();
    stderr.read_to_string(&mut said).await.unwrap();
    (said, status)
}

/// Whether the function says that it is ready, over these tables.
async fn ready(engine: &Engine, modules: &str) -> String {
    let app = TestApp::over(&parse(modules), &engine.endpoint()).await;
    app.get("/_health/ready").await.body
}

#[tokio::test]
async fn a_key_of_another_type_is_refused_and_the_others_are_served() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    for kind in ["N", "B"] {
        let name = format!("students{kind}-local").to_lowercase();
        let create = table(&dynamodb, &name, &[("id", kind, KeyType::Hash)]);
        create.send().await.unwrap();
    }
    let modules = "
        [modules.good]
        key = 'goodId'
        [modules.studentsn]
        key = 'id'
        [modules.studentsb]
        key = 'id'
    ";
    let (said, status) = served(&engine, modules, "/studentsn").await;
    assert_eq!(status, 503);
    insta::assert_snapshot!(said, @r#"
    studentsb is not served: table `studentsb-local` does not fit: its key `id` is binary (B), and modulo serves only strings (S) and numbers (N); name another `table` in modules.toml
    studentsn is not served: table `studentsn-local` does not fit: its key is `id` (N), and the module's is `id`; say key = { attribute = "id", type = "N" } in modules.toml, or name another `table`
    "#);
    let body = r#"{"ERROR":{"message":"Not ready: studentsb, studentsn"}}"#;
    assert_eq!(ready(&engine, modules).await, body);
}

#[tokio::test]
async fn a_table_with_another_sort_key_is_refused_and_the_others_are_served() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let keys = [("pk", "S", KeyType::Hash), ("sk", "S", KeyType::Range)];
    table(&dynamodb, "logs-local", &keys).send().await.unwrap();
    // Once the advice of `serve` was followed, it was satisfied, and each request a 500.
    let mut said = Vec::new();
    for key in [
        "'pk'",
        "'pk, sk'",
        "{ partition = 'sk', sort = 'pk' }",
        "{ partition = 'pk', sort = { attribute = 'sk', type = 'N' } }",
    ] {
        let modules = format!("[modules.good]\nkey = 'goodId'\n[modules.logs]\nkey = {key}");
        let (lines, status) = served(&engine, &modules, "/logs/1/2").await;
        assert_eq!(status, 503);
        said.push(lines);
        let body = r#"{"ERROR":{"message":"Not ready: logs"}}"#;
        assert_eq!(ready(&engine, &modules).await, body);
    }
    insta::assert_snapshot!(said.concat(), @r#"
    logs is not served: table `logs-local` does not fit: its key is `pk` and `sk`, and the module's is `pk`; say key = { partition = "pk", sort = "sk" } in modules.toml, or name another `table`
    logs is not served: table `logs-local` does not fit: its key is `pk` and `sk`, and the module's is `pk, sk`; say key = { partition = "pk", sort = "sk" } in modules.toml, or name another `table`
    logs is not served: table `logs-local` does not fit: its key is `pk` and `sk`, and the module's is `sk` and `pk`; say key = { partition = "pk", sort = "sk" } in modules.toml, or name another `table`
    logs is not served: table `logs-local` does not fit: its key is `pk` and `sk`, and the module's is `pk` and `sk` (N); say key = { partition = "pk", sort = "sk" } in modules.toml, or name another `table`
    "#);
    // The advice holds.
    let modules = "[modules.good]\nkey = 'goodId'\n[modules.logs]\nkey = { partition = \"pk\", sort = \"sk\" }";
    let (said, status) = served(&engine, modules, "/logs/1/2").await;
    assert_eq!((said.as_str(), status), ("", 404));
}

#[tokio::test]
async fn a_module_is_served_once_its_table_fits() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let wrong = table(&dynamodb, "rooms-local", &[("roomId", "N", KeyType::Hash)]);
    wrong.send().await.unwrap();
    let folder = Folder::with("[modules.rooms]\nkey = 'roomId'");
    let served = folder.serve(&["--endpoint-url", &engine.endpoint()]).await;
    let refused = served.send("POST", "/rooms/x", "1").await;
    let body = r#"{"ERROR":{"message":"Not ready: rooms"}}"#;
    assert_eq!(
        (refused.status.as_u16(), refused.body.as_str()),
        (503, body)
    );

    let delete = dynamodb.delete_table().table_name("rooms-local");
    delete.send().await.unwrap();
    let right = table(&dynamodb, "rooms-local", &[("roomId", "S", KeyType::Hash)]);
    right.send().await.unwrap();
    assert_eq!(served.send("POST", "/rooms/x", "1").await.status, 200);
}

/// Found with a table that others use too: `serve` deleted the index, and stopped.
#[tokio::test]
async fn an_index_behind_an_endpoint_is_left_as_it_is() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let other = index(&[("owner", KeyType::Hash)], ProjectionType::All);
    table(&dynamodb, "rooms-local", &[("roomId", "S", KeyType::Hash)])
        .attribute_definitions(definition("owner", "S"))
        .global_secondary_indexes(other)
        .send()
        .await
        .unwrap();
    let before = described(&dynamodb, "rooms-local").await;
    let (said, status) = served(&engine, ROOMS, "/rooms/x").await;
    // Of the module only the lists by that index fail.
    assert_eq!(status, 404);
    insta::assert_snapshot!(said, @"rooms: table `rooms-local` does not fit: its index `by-building` is of owner (S), and the module's is of building (S), floor (N); give the module's another `name`");
    let after = described(&dynamodb, "rooms-local").await;
    assert_eq!(
        after.global_secondary_indexes()[0].key_schema(),
        before.global_secondary_indexes()[0].key_schema()
    );
    // What is missing is made all the same.
    described(&dynamodb, "good-local").await;
}

#[tokio::test]
async fn a_table_that_is_somebody_elses_is_not_made() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let modules = "
        [modules.good]
        key = 'goodId'
        [modules.rooms]
        key = 'roomId'
        create = false
    ";
    let (said, status) = served(&engine, modules, "/rooms/x").await;
    assert_eq!(status, 500);
    insta::assert_snapshot!(said, @"rooms: there is no table `rooms-local`, and because of `create = false` no deployment makes it; make it, or take `create` out of modules.toml");
    let tables = dynamodb.list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["good-local"]);
    let body = r#"{"ERROR":{"message":"Not ready: rooms"}}"#;
    assert_eq!(ready(&engine, modules).await, body);

    // Whoever it belongs to makes it.
    let right = table(&dynamodb, "rooms-local", &[("roomId", "S", KeyType::Hash)]);
    right.send().await.unwrap();
    assert_eq!(ready(&engine, modules).await, r#"{"status":"ready"}"#);

    // In the engine of a laptop nobody else can make one.
    let served = Folder::with(modules).serve(&[]).await;
    assert_eq!(served.send("POST", "/rooms/x", "1").await.status, 200);
}

#[tokio::test]
async fn a_table_without_its_index_is_not_ready() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let keys = [("roomId", "S", KeyType::Hash)];
    table(&dynamodb, "rooms-local", &keys).send().await.unwrap();
    let (said, status) = served(&engine, ROOMS, "/rooms/x").await;
    assert_eq!(status, 404);
    insta::assert_snapshot!(said, @"rooms: table `rooms-local` does not fit: it has no index `by-building` of building (S), floor (N); add it, or take it out of modules.toml");
    let body = r#"{"ERROR":{"message":"Not ready: rooms"}}"#;
    assert_eq!(ready(&engine, ROOMS).await, body);
}

#[tokio::test]
async fn an_index_of_a_part_of_each_item_is_not_ready() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let keys = [("building", KeyType::Hash), ("floor", KeyType::Range)];
    table(&dynamodb, "rooms-local", &[("roomId", "S", KeyType::Hash)])
        .attribute_definitions(definition("building", "S"))
        .attribute_definitions(definition("floor", "N"))
        .global_secondary_indexes(index(&keys, ProjectionType::KeysOnly))
        .send()
        .await
        .unwrap();
    let (said, _) = served(&engine, ROOMS, "/rooms/x").await;
    insta::assert_snapshot!(said, @"rooms: table `rooms-local` does not fit: its index `by-building` projects KEYS_ONLY, and lists need ALL; make one that projects ALL under another name, and give the module's that `name`");
    let body = r#"{"ERROR":{"message":"Not ready: rooms"}}"#;
    assert_eq!(ready(&engine, ROOMS).await, body);
}

#[tokio::test]
async fn an_import_into_a_table_that_does_not_fit_stores_nothing() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let dynamodb = client(&engine).await;
    let keys = [("pk", "S", KeyType::Hash), ("sk", "S", KeyType::Range)];
    table(&dynamodb, "logs-local", &keys).send().await.unwrap();
    let folder = Folder::with("[modules.logs]\nkey = 'pk'");
    std::fs::write(folder.path().join("lines"), "").unwrap();
    let endpoint = engine.endpoint();
    for arguments in [["import", "logs", "lines"].as_slice(), &["export", "logs"]] {
        let arguments = [arguments, &["--endpoint-url", &endpoint]].concat();
        let (status, _, said) = folder.run(&arguments).await;
        assert_eq!(status, Some(1));
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r#"table `logs-local` does not fit: its key is `pk` and `sk`, and the module's is `pk`; say key = { partition = "pk", sort = "sk" } in modules.toml, or name another `table`"#);
        }
    }
}
