//! `modulo plan` against a stage: what is in the way of a deployment.
//!
//! The tables are the embedded engine's. CloudFormation is played here, as no emulator has all the
//! states that a stack can be in; `tests/localstack/plan.rs` asks a real one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use modulo::local::{self, Data, Engine};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{MODULES, parse};
use crate::command::Folder;

const STACK: &str = "modulo-local";

/// A stack: its status, its template, and its resources by logical id, type and name.
#[derive(Default)]
struct Stack {
    status: &'static str,
    template: String,
    resources: Vec<(String, &'static str, String)>,
}

impl Stack {
    /// That of a deployment with this template.
    fn of(template: &Value) -> Self {
        let resources = template["Resources"].as_object().unwrap().iter();
        let resources = resources.map(|(id, resource)| {
            let table = resource["Properties"]["TableName"].as_str();
            let nested = || format!("{STACK}-{id}-1XC3");
            let kind = match table {
                Some(_) => "AWS::DynamoDB::Table",
                None => "AWS::CloudFormation::Stack",
            };
            (id.clone(), kind, table.map_or_else(nested, str::to_owned))
        });
        Self {
            status: "UPDATE_COMPLETE",
            template: template.to_string(),
            resources: resources.collect(),
        }
    }
}

/// What is asked of an account.
struct Account {
    engine: Engine,
    stack: Option<Stack>,
    /// Its nested stacks, by their names.
    nested: BTreeMap<String, Stack>,
    /// The stack that has every table that is asked for.
    owner: Option<&'static str>,
    /// Whether tables may be looked at.
    is_open: bool,
}

impl Account {
    async fn new() -> Self {
        Self {
            engine: Engine::start(&Data::Memory).await.unwrap(),
            stack: None,
            nested: BTreeMap::new(),
            owner: None,
            is_open: true,
        }
    }

    /// With the modules' tables.
    async fn with(modules: &str) -> Self {
        let account = Self::new().await;
        let settings = local::settings(&account.engine.endpoint()).await;
        let store = modulo::store::Store::new(&settings);
        let config = parse(modules);
        local::create_tables(store.client(), config.modules.tables())
            .await
            .unwrap();
        account
    }

    /// With a stack as a deployment of these modules leaves it.
    async fn deployed(mut self, modules: &str) -> Self {
        let (status, resources, stderr) = Folder::with(modules).run(&["resources"]).await;
        assert_eq!(status, Some(0), "{stderr}");
        let resources: Value = serde_json::from_str(&resources).unwrap();
        for (number, template) in resources["stacks"].as_object().into_iter().flatten() {
            let name = format!("{STACK}-Tables{number}-1XC3");
            self.nested.insert(name, Stack::of(template));
        }
        let mut stack = Stack::of(&resources["resources"]);
        stack.resources.push((
            "Function".to_owned(),
            "AWS::Lambda::Function",
            "f".to_owned(),
        ));
        self.stack = Some(stack);
        self
    }

    fn status(mut self, status: &'static str) -> Self {
        self.stack.get_or_insert_default().status = status;
        self
    }

    /// What `modulo plan` says of these modules: its exit status, and what it prints.
    async fn plan(self, modules: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let account = Arc::new(self);
        let router = Router::new().fallback(move |request| {
            let account = Arc::clone(&account);
            async move { account.answer(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let arguments = [&["plan", "--endpoint-url", &endpoint], arguments].concat();
        let (status, stdout, stderr) = Folder::with(modules).run(&arguments).await;
        let said = format!("{stdout}{stderr}").replace(&endpoint, "ENDPOINT");
        (status, said)
    }

    async fn answer(&self, request: Request) -> Response {
        if request.headers().contains_key("x-amz-target") {
            return self.dynamodb(request).await;
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.into()).unwrap();
        let parameter = |name| body.split('&').find_map(|pair| pair.strip_prefix(name));
        let stack = match parameter("StackName=").and_then(|name| self.nested.get(name)) {
            None => self.stack.as_ref(),
            nested => nested,
        };
        self.cloudformation(parameter("Action=").unwrap(), stack)
    }

    async fn dynamodb(&self, request: Request) -> Response {
        if !self.is_open {
            let error = json!({
                "__type": "com.amazon.coral.service#AccessDeniedException",
                "message": "not authorized to perform: dynamodb:DescribeTable",
            });
            return (axum::http::StatusCode::BAD_REQUEST, error.to_string()).into_response();
        }
        let (mut parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        parts.uri = self.engine.endpoint().parse().unwrap();
        let client = Http::builder(TokioExecutor::new()).build_http::<Body>();
        let forwarded = Request::from_parts(parts, Body::from(body));
        client.request(forwarded).await.unwrap().map(Body::new)
    }

    fn cloudformation(&self, action: &str, stack: Option<&Stack>) -> Response {
        let result = match (action, stack, self.owner) {
            ("DescribeStackResources", _, Some(owner)) => {
                format!(
                    "<StackResources><member><StackName>{owner}</StackName>\
                     <PhysicalResourceId>modulo1-local</PhysicalResourceId>\
                     <ResourceType>AWS::DynamoDB::Table</ResourceType></member></StackResources>"
                )
            }
            (_, None, _) | ("DescribeStackResources", ..) => {
                let error = format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
                     <Message>Stack with id {STACK} does not exist</Message></Error></ErrorResponse>"
                );
                return (axum::http::StatusCode::BAD_REQUEST, error).into_response();
            }
            ("DescribeStacks", Some(stack), _) => format!(
                "<Stacks><member><StackName>{STACK}</StackName>\
                 <CreationTime>2026-01-01T00:00:00Z</CreationTime>\
                 <StackStatus>{}</StackStatus></member></Stacks>",
                stack.status
            ),
            ("ListStackResources", Some(stack), _) => {
                let mut members = String::new();
                for (id, kind, name) in &stack.resources {
                    write!(
                        members,
                        "<member><LogicalResourceId>{id}</LogicalResourceId>\
                         <PhysicalResourceId>{name}</PhysicalResourceId>\
                         <ResourceType>{kind}</ResourceType>\
                         <LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp>\
                         <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
                    )
                    .unwrap();
                }
                format!("<StackResourceSummaries>{members}</StackResourceSummaries>")
            }
            ("GetTemplate", Some(stack), _) => {
                let template = stack.template.replace('&', "&amp;").replace('<', "&lt;");
                format!("<TemplateBody>{template}</TemplateBody>")
            }
            (action, ..) => panic!("{action} is not played"),
        };
        let answer = format!(
            "<{action}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
             <{action}Result>{result}</{action}Result></{action}Response>"
        );
        ([("content-type", "text/xml")], answer).into_response()
    }
}

/// A guard of a deployed function whose `serverless.yml` gives it no secret: every token was
/// answered 500, and nothing had said so.
#[tokio::test]
async fn a_variable_that_the_function_lacks_is_reported() {
    const GUARDED: &str = "
        [access.main]
        jwt = { issuer = 'i', audience = 'a', secret = { env = 'JWT_SECRET' } }
        [modules.modulo1]
        key = 'modulo1Id'
        access = { guard = 'main' }
    ";
    let deployed = async || Account::with(GUARDED).await.deployed(GUARDED).await;
    let (status, said) = deployed().await.plan(GUARDED, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @r#"
    ?       environment: the function needs the variable `JWT_SECRET`, which `main` reads
            without it, requests with a token are answered 500; unless it is there, add to functions.api in serverless.yml: `environment: { JWT_SECRET: "${env:JWT_SECRET}" }`
    "#);

    // The function that is deployed has it.
    let mut account = deployed().await;
    let stack = account.stack.as_mut().unwrap();
    let mut template: Value = serde_json::from_str(&stack.template).unwrap();
    template["Resources"]["Function"] = json!({
        "Type": "AWS::Lambda::Function",
        "Properties": { "Environment": { "Variables": { "JWT_SECRET": "a secret that nobody is shown" } } },
    });
    stack.template = template.to_string();
    let (status, said) = account.plan(GUARDED, &[]).await;
    assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));

    // A deployment knows what it gives.
    let given = ["--variables", "MODULO_STAGE,JWT_SECRET"];
    let (status, said) = deployed().await.plan(GUARDED, &given).await;
    assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));
    let given = ["--variables", "MODULO_STAGE"];
    let (status, said) = deployed().await.plan(GUARDED, &given).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @r#"
    BREAKS  environment: the function has no variable `JWT_SECRET`, which `main` reads
            requests with a token are answered 500; in serverless.yml, add to functions.api: `environment: { JWT_SECRET: "${env:JWT_SECRET}" }`
    modules.toml breaks data or clients; undo the edits, or accept them with --accept-breaking
    "#);
}

const MODULO1: &str = "[modules.modulo1]\nkey = 'modulo1Id'\n";

/// Found with the tables of the services that modulo replaces: `ok`, and an emulator put empty
/// tables in their place.
#[tokio::test]
async fn a_table_of_another_stack_is_in_the_way() {
    for accept in [[].as_slice(), &["--accept-breaking"]] {
        let mut account = Account::with(MODULO1).await;
        account.owner = Some("seed-local");
        let (status, said) = account.plan(MODULO1, accept).await;
        assert_eq!(status, Some(1));
        insta::allow_duplicates! { insta::assert_snapshot!(said, @r#"
        ok      modulo1: is new
                `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
        FAILS   modulo1: table `modulo1-local` is there already, in stack `seed-local`
                use it as it is: create = false in modules.toml; or have `seed-local` let go of it (deploy `DeletionPolicy: Retain` there, then remove the table from that stack), and deploy again, which imports it
        the deployment would fail; fix what is marked FAILS first
        "#); }
    }
}

#[tokio::test]
async fn a_table_that_was_kept_is_in_the_way_of_a_module_that_comes_back() {
    let two = format!("{MODULO1}[modules.modulo2]\nkey = 'modulo2Id'\n");
    let account = Account::with(&two)
        .await
        .deployed("[modules.modulo2]\nkey = 'modulo2Id'")
        .await;
    let (status, said) = account.plan(&two, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @r#"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    FAILS   modulo1: table `modulo1-local` is there already, and not in stack `modulo-local`
            it cannot be imported: CloudFormation imports only what it retains; say retain = true, name another `table` in modules.toml, or delete `modulo1-local`
    the deployment would fail; fix what is marked FAILS first
    "#);
}

/// Its settings are other than the module's; the deployment imports it and then sets them.
#[tokio::test]
async fn a_table_that_was_kept_is_imported_where_it_is_retained() {
    let kept = format!("{MODULO1}retain = true\n");
    let account = Account::with(MODULO1).await;
    let (status, said) = account.plan(&kept, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    ok      modulo1: table `modulo1-local` is there already, in no stack, and is imported
            its items stay, and so do its settings in the import; then the same deployment sets what is not in force: deletion protection is off, and should be on
    ");
}

#[tokio::test]
async fn a_table_is_not_imported_in_the_place_of_another() {
    let before = format!("{MODULO1}retain = true\n");
    let after = format!("{before}table = 'other-local'\n");
    let account = Account::with(&after).await.deployed(&before).await;
    let (status, said) = account.plan(&after, &["--accept-breaking"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    BREAKS  modulo1: table `modulo1-local` becomes `other-local`
            no item moves to the other table, and table `modulo1-local` stays, outside the stack
    FAILS   modulo1: table `other-local` is there already, and not in stack `modulo-local`
            it cannot be imported: CloudFormation does not import a table in the place of another, here `modulo1-local`; take the module out, deploy, put it back, and deploy again
    the deployment would fail; fix what is marked FAILS first
    ");
}

#[tokio::test]
async fn the_tables_of_nested_stacks_are_the_services_own() {
    let nested = format!("{MODULO1}stack = 1\n");
    let account = Account::with(MODULO1).await.deployed(&nested).await;
    let (status, said) = account.plan(&nested, &[]).await;
    assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));

    let account = Account::new().await.deployed(&nested).await;
    let (status, said) = account.plan(&nested, &[]).await;
    assert_eq!(status, Some(1));
    assert!(said.contains("table `modulo1-local` was deleted"), "{said}");

    let account = Account::with(MODULO1).await.deployed(MODULO1).await;
    let (status, said) = account.plan(&nested, &["--accept-breaking"]).await;
    assert_eq!(status, Some(1));
    let moved = "FAILS   modulo1: stack goes from the service's own to nested stack 1";
    assert!(said.contains(moved), "{said}");
}

#[tokio::test]
async fn a_table_that_is_there_is_not_imported_into_a_nested_stack() {
    let nested = format!("{MODULO1}retain = true\nstack = 1\n");
    let account = Account::with(MODULO1).await;
    let (status, said) = account.plan(&nested, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    FAILS   modulo1: table `modulo1-local` is there already, and not in stack `modulo-local`
            it cannot be imported: no deployment imports a table into a nested stack; leave `stack` out, or say create = false to use the table as it is, or delete it if a deployment that failed has left it empty
    the deployment would fail; fix what is marked FAILS first
    ");
}

#[tokio::test]
async fn a_stage_is_not_deployed_with_modules_that_are_open_and_do_not_say_so() {
    let modules = |defaults: &str| format!("[defaults]\n{defaults}\n{MODULES}");
    let (status, said) = limits(&modules(""), &["--stage", "prod", "--accept-breaking"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @r#"
    FAILS   modulo1, modulo2: is open to everybody, and does not say so
            name a guard, as in access = { guard = "main" }, or say access = "open" if it is meant, in [modules.NAME] or in [defaults]
    "#);
    for (defaults, stage) in [("access = 'open'", "prod"), ("", "local")] {
        let (status, said) = limits(&modules(defaults), &["--stage", stage]).await;
        assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));
    }
}

#[tokio::test]
async fn a_table_that_is_somebody_elses_is_left() {
    let foreign = format!("{MODULO1}create = false\n");
    let mut account = Account::with(MODULO1).await;
    account.owner = Some("seed-local");
    let (status, said) = account.plan(&foreign, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    ok      modulo1: table `modulo1-local` is left as it is
            `create = false`: the function uses it, and no deployment makes, changes or removes it
    ");

    // Once it is deployed so, there is nothing more to say.
    let account = Account::with(MODULO1).await.deployed(&foreign).await;
    let (status, said) = account.plan(&foreign, &[]).await;
    assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));

    let ttl = format!("{foreign}ttl = 'end'\n");
    let account = Account::with(MODULO1).await.deployed(&ttl).await;
    let (status, said) = account.plan(&ttl, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      modulo1: TTL by `end` is not on in table `modulo1-local`
            the function hides items that have expired, and DynamoDB does not delete them; whoever has the table turns TTL on
    ");

    let account = Account::new().await.deployed(&foreign).await;
    let (status, said) = account.plan(&foreign, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    BREAKS  modulo1: there is no table `modulo1-local`, and because of `create = false` no deployment makes it; make it, or take `create` out of modules.toml
            the function answers each request of the module with an error
    modules.toml breaks data or clients; undo the edits, or accept them with --accept-breaking
    ");
}

#[tokio::test]
async fn a_module_that_takes_over_a_table_under_another_name_is_reported() {
    let account = Account::with(MODULO1).await.deployed(MODULO1).await;
    let renamed = "[modules.other]\nkey = 'modulo1Id'\ntable = 'modulo1-local'\n";
    let (status, said) = account.plan(renamed, &["--accept-breaking"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    BREAKS  modulo1: is gone
            `/modulo1` answers 404, and table `modulo1-local` is deleted with all its items
    ok      other: is new
            `/other` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    FAILS   other: table `modulo1-local` is in stack `modulo-local` for another module already
            CloudFormation makes a table for the new module before it lets go of the old one's: the deployment fails, or an emulator puts an empty table in its place; keep the module's name, or name another `table`
    the deployment would fail; fix what is marked FAILS first
    ");
}

#[tokio::test]
async fn a_table_that_could_not_be_served_is_reported() {
    let (before, _) = ROOMS.split_once("[[").unwrap();
    let account = Account::with(before).await;
    let renamed = ROOMS.replace("'roomId'", "'id'");
    let (status, said) = account.plan(&renamed, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @r#"
    ok      rooms: is new
            `/rooms` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `rooms-local`, open to everybody
    FAILS   rooms: table `rooms-local` is there already, and not in stack `modulo-local`
            it cannot be imported: table `rooms-local` does not fit: its key is `roomId`, and the module's is `id`; say key = "roomId" in modules.toml, or name another `table`
    the deployment would fail; fix what is marked FAILS first
    "#);
}

const ROOMS: &str = "
    [modules.rooms]
    key = 'roomId'
    storage = 'document'
    [[modules.rooms.indexes]]
    name = 'by-building'
    partition = 'building'
";

#[tokio::test]
async fn a_deployed_table_is_held_against_what_its_module_needs() {
    let (before, _) = ROOMS.split_once("[[").unwrap();
    // An index that this deployment makes is no fault of the table's.
    let account = Account::with(before).await.deployed(before).await;
    let (status, said) = account.plan(ROOMS, &[]).await;
    assert_eq!(status, Some(0), "{said}");
    insta::assert_snapshot!(said, @"
    ok      rooms: index `by-building` of building (S) is new
            it has the items that are there once it is filled
    ");

    let account = Account::with(before).await.deployed(ROOMS).await;
    let (status, said) = account.plan(ROOMS, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    BREAKS  rooms: table `rooms-local` does not fit: it has no index `by-building` of building (S); add it, or take it out of modules.toml
            a deployment does not mend it: CloudFormation compares with its last template, and not with the table
    modules.toml breaks data or clients; undo the edits, or accept them with --accept-breaking
    ");

    let account = Account::new().await.deployed(ROOMS).await;
    let (status, said) = account.plan(ROOMS, &[]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    BREAKS  rooms: table `rooms-local` was deleted, though not by a deployment
            a deployment does not make it anew: take the module out, deploy, put it back, and deploy again
    modules.toml breaks data or clients; undo the edits, or accept them with --accept-breaking
    ");

    let account = Account::with(ROOMS).await.deployed(ROOMS).await;
    let (status, said) = account.plan(ROOMS, &[]).await;
    assert_eq!((status, said.as_str()), (Some(0), "no module changes\n"));
}

#[tokio::test]
async fn tables_that_may_not_be_looked_at_are_reported() {
    let mut account = Account::new().await;
    account.is_open = false;
    let (status, said) = account.plan(MODULO1, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    ?       tables: `modulo1-local` may not be looked at
            the deployment fails if one of them is there and not in the stack; allow dynamodb:DescribeTable, dynamodb:DescribeContinuousBackups and dynamodb:DescribeTimeToLive, and plan again
    ");
}

#[tokio::test]
async fn a_stack_that_cannot_be_deployed_to_is_reported() {
    for (state, is_deployable) in [
        ("CREATE_COMPLETE", true),
        ("UPDATE_COMPLETE", true),
        ("IMPORT_COMPLETE", true),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", false),
        ("CREATE_FAILED", false),
        ("ROLLBACK_FAILED", false),
        ("DELETE_FAILED", false),
        ("IMPORT_ROLLBACK_FAILED", false),
    ] {
        let account = Account::with(MODULO1).await.deployed(MODULO1).await;
        let (status, said) = account
            .status(state)
            .plan(MODULO1, &["--accept-breaking"])
            .await;
        assert_eq!(status == Some(0), is_deployable, "{state}: {said}");
    }
    let plan = async |state| {
        let account = Account::with(MODULO1).await.deployed(MODULO1).await;
        account.status(state).plan(MODULO1, &[]).await.1
    };
    insta::assert_snapshot!(plan("UPDATE_ROLLBACK_COMPLETE").await, @"
    ok      stack modulo-local: is UPDATE_ROLLBACK_COMPLETE
            the last deployment failed, and what was deployed before is in force
    ");
    insta::assert_snapshot!(plan("UPDATE_IN_PROGRESS").await, @"
    FAILS   stack modulo-local: is UPDATE_IN_PROGRESS
            something is being done to it; wait until that has ended
    the deployment would fail; fix what is marked FAILS first
    ");
    insta::assert_snapshot!(plan("ROLLBACK_COMPLETE").await, @"
    FAILS   stack modulo-local: is ROLLBACK_COMPLETE
            it can't be deployed to; remove it first: npm run remove -- --stage local
    the deployment would fail; fix what is marked FAILS first
    ");
    insta::assert_snapshot!(plan("UPDATE_ROLLBACK_FAILED").await, @"
    FAILS   stack modulo-local: is UPDATE_ROLLBACK_FAILED
            it can't be deployed to; continue its rollback first, in CloudFormation's console
    the deployment would fail; fix what is marked FAILS first
    ");
}

/// Found with an emulator, which has the template of a deployment that failed.
#[tokio::test]
async fn what_a_failed_deployment_has_not_made_is_not_deployed() {
    let mut account = Account::new().await.deployed(MODULO1).await;
    let stack = account.stack.as_mut().unwrap();
    stack.status = "UPDATE_ROLLBACK_COMPLETE";
    stack.resources.retain(|(id, ..)| id == "Function");
    let (status, said) = account.plan(MODULO1, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      stack modulo-local: is UPDATE_ROLLBACK_COMPLETE
            the last deployment failed, and what was deployed before is in force
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    ok      modulo1: its table is created
            it begins empty
    ");
}

#[tokio::test]
async fn a_stack_with_nothing_but_a_bucket_is_no_deployment() {
    let mut account = Account::new().await.status("CREATE_COMPLETE");
    let stack = account.stack.as_mut().unwrap();
    stack.template = r#"{"Resources":{}}"#.to_owned();
    for id in [
        "ServerlessDeploymentBucket",
        "ServerlessDeploymentBucketPolicy",
    ] {
        let kind = "AWS::S3::Bucket";
        stack.resources.push((id.to_owned(), kind, id.to_owned()));
    }
    let (status, said) = account.plan(MODULO1, &[]).await;
    assert_eq!(status, Some(0));
    insta::assert_snapshot!(said, @"
    ok      modulo1: is new
            `/modulo1` answers DELETE, GET, LIST, PATCH, POST, PUT, on table `modulo1-local`, open to everybody
    ok      modulo1: its table is created
            it begins empty
    ");
}

#[tokio::test]
async fn a_stack_that_modulo_did_not_deploy_is_reported() {
    for template in [
        r#"{"Resources":{}}"#,
        "Transform: AWS::Serverless-2016-10-31",
    ] {
        let mut account = Account::new().await.deployed(MODULO1).await;
        let stack = account.stack.as_mut().unwrap();
        template.clone_into(&mut stack.template);
        let (status, said) = account.plan(MODULO1, &[]).await;
        assert_eq!(status, Some(1));
        insta::allow_duplicates! { insta::assert_snapshot!(said, @"stack `modulo-local` was not deployed by modulo; give the service another name, in [service]"); }
    }
}

/// The SDK's text, a line for each credentials provider, came before the advice.
#[tokio::test]
async fn advice_comes_before_the_cause() {
    let folder = Folder::with(MODULO1);
    for arguments in [["plan", "--stage", "prod"], ["export", "modulo1", "--aws"]] {
        let mut command = folder.modulo(&arguments);
        command
            .env("HOME", folder.path())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let (advice, cause) = stderr.trim_end().split_once("\ncause: ").unwrap();
        assert_eq!(
            advice,
            "cannot load AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`"
        );
        assert_eq!(cause.lines().count(), 1, "{cause}");
        assert!(cause.contains("Attempted: Environment: "), "{cause}");
    }
    let plan = ["plan", "--endpoint-url", "http://127.0.0.1:9"];
    let (status, _, stderr) = folder.run(&plan).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(stderr, @"
    cannot read stack `modulo-local`; check that the emulator at http://127.0.0.1:9 runs
    cause: dispatch failure: io error: client error (Connect): tcp connect error: Connection refused (os error 111)
    ");
}

#[tokio::test]
async fn credentials_that_dynamodb_refuses_are_reported_with_the_way_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(async || {
        let error = json!({
            "__type": "com.amazon.coral.service#ExpiredTokenException",
            "message": "The security token included in the request is expired",
        });
        (axum::http::StatusCode::BAD_REQUEST, error.to_string())
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    for command in [["export", "modulo1"], ["adopt", "modulo1-local"]] {
        let arguments = [&command[..], &["--endpoint-url", &endpoint]].concat();
        let (status, _, stderr) = Folder::with(MODULO1).run(&arguments).await;
        assert_eq!(status, Some(1));
        let help = "\n  help: the AWS credentials have expired; log in again, for instance with `aws \
                    sso login`, or set new ones\n";
        assert!(stderr.ends_with(help), "{stderr}");
    }
}

/// Of modules 1 to `n`, each fourth with an index.
fn many(n: usize) -> String {
    let module = |n| {
        let index = format!(
            "storage = 'document'\n[[modules.m{n}.indexes]]\nname = 'by-x'\npartition = 'x'\n"
        );
        let index = if n % 4 == 0 { index.as_str() } else { "" };
        format!("[modules.m{n}]\nkey = 'id'\n{index}")
    };
    let modules: String = (1..=n).map(module).collect();
    format!("[defaults]\naccess = 'open'\n{modules}")
}

/// What is said of limits.
async fn limits(modules: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Folder::with(modules);
    let same = ["plan", "--against", "modules.toml"];
    let (status, said, _) = folder.run(&[&same, arguments].concat()).await;
    (status, said)
}

/// Found with 64 modules and a dashboard, and with 500 modules.
#[tokio::test]
async fn what_is_over_a_limit_of_aws_is_reported() {
    let prod = ["--stage", "prod"];
    let nothing = (Some(0), "no module changes\n".to_owned());
    assert_eq!(limits(&many(141), &prod).await, nothing);
    let (status, said) = limits(&many(141), &["--stage", "prod", "--dashboard"]).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    FAILS   limits: the stack has about 2174062 bytes of template, and AWS takes 1048576
            leave the dashboard out (--param dashboard=false), or give new modules a nested stack, with stack = 1; or split the modules between two services, each with a modules.toml of its own
    FAILS   limits: the stack has about 587 resources, and AWS takes 500
            leave the dashboard out (--param dashboard=false), or give new modules a nested stack, with stack = 1; or split the modules between two services, each with a modules.toml of its own
    ");
    let undescribed = |n| format!("service.docs = false\n{}", many(n));
    let (status, said) = limits(&undescribed(500), &prod).await;
    assert_eq!(status, Some(1));
    insta::assert_snapshot!(said, @"
    FAILS   limits: the stack has about 525 resources, and AWS takes 500
            give new modules a nested stack, with stack = 1; or split the modules between two services, each with a modules.toml of its own
    ");
    let (status, said) = limits(&many(390), &prod).await;
    assert_eq!(status, Some(1));
    // Each word of the description counts.
    let (before, bytes) = said.rsplit_once(" bytes as an answer").unwrap();
    let (before, found) = before.rsplit_once(' ').unwrap();
    assert!(found.parse::<usize>().unwrap() > 6_275_072, "{said}");
    let said = format!("{before} N bytes as an answer{bytes}");
    insta::assert_snapshot!(said, @"
    ok      limits: the stack has about 414 resources, and AWS takes 500
            before there is more: give new modules a nested stack, with stack = 1; or split the modules between two services, each with a modules.toml of its own
    BREAKS  limits: the API's description (`/_openapi.json`) has about N bytes as an answer, and AWS takes 6275072
            say docs = false in [service], and print it with `modulo openapi`; or split the modules between two services, each with a modules.toml of its own
    ");
    // With a hundred tables in a nested stack.
    let in_stacks = (1..=500).fold(undescribed(500), |modules, n| {
        let module = format!("[modules.m{n}]\n");
        let stack = format!("{module}stack = {}\n", 1 + n / 100);
        modules.replace(&module, &stack)
    });
    assert_eq!(limits(&in_stacks, &prod).await, nothing);
    // An emulator takes it.
    let (status, said) = limits(&undescribed(500), &[]).await;
    assert_eq!(status, Some(0));
    assert!(said.starts_with("ok      limits: "), "{said}");
}
