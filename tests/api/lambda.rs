//! The real `bootstrap`, as a process, behind everything that turns HTTP into Lambda events.
//!
//! A [`Call`] is what a client sends, a [`FrontDoor`] makes the event of it that its service would,
//! [`Function`] runs the binary on it, and a [`Reply`] is what the client would get, compared
//! whole. So one table of calls is asked of every front door, and must be answered alike.

mod addresses;
mod answer_limits;
mod base_path;
mod bodies;
mod call;
mod concurrent;
mod credentials;
mod front_door;
mod headers;
mod ids;
mod lifecycle;
mod malformed;
mod observed;
mod optional;
mod preflight;
mod sent;
mod silent;
mod stages;
mod verbs;
mod warm_up;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use modulo::local::{Data, Engine};
use modulo::module::name::Stage;
use modulo::{config, local};

pub(crate) use self::call::Call;
use self::call::Reply;
pub(crate) use self::front_door::FrontDoor;
use crate::runtime_api::Function;

/// Two modules, one of which bears the name of the API Gateway stage in the recorded events.
const MODULES: &str = r#"
[service]
name = "modulo"

[modules.modulo1]
key = "modulo1Id"

[modules.prod]
key = "prodId"
"#;

/// The document of the recorded events.
const DOCUMENT: &str = r#"{"description":"Sala 90","chairs":90}"#;

/// A function on [`MODULES`] and a DynamoDB of its own.
pub(crate) struct Fixture {
    pub(crate) function: Function,
    dynamodb: Client,
    engine: Engine,
}

impl Fixture {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With variables in the function's environment.
    pub(crate) async fn with(envs: &[(&str, &str)]) -> Self {
        Self::of(MODULES, envs).await
    }

    /// On other modules.
    async fn of(modules: &str, envs: &[(&str, &str)]) -> Self {
        let engine = Engine::start(&Data::Memory).await.unwrap();
        let dynamodb = Client::new(&local::settings(&engine.endpoint()).await);
        let stage = envs.iter().find(|(name, _)| *name == "MODULO_STAGE");
        let stage: Stage = stage.map_or_else(Stage::default, |(_, stage)| stage.parse().unwrap());
        let config = config::parse(modules, config::FILE_NAME.as_ref(), &stage, []).unwrap();
        local::create_tables(&dynamodb, config.modules.tables())
            .await
            .unwrap();
        let function = Function::start(modules, envs, &engine.endpoint()).await;
        Self {
            function,
            dynamodb,
            engine,
        }
    }

    /// Where its DynamoDB answers.
    fn endpoint(&self) -> String {
        self.engine.endpoint()
    }

    /// Asks and compares.
    async fn check(&mut self, door: FrontDoor, call: &Call, expected: &Reply) {
        let reply = self.function.call(door, call).await;
        let context = format!("{call:?} through {door:?}");
        self.function.assert_reply(&reply, expected, &context);
    }

    /// The `data` of an item of `modulo1`, as it is stored.
    async fn stored(&self, id: &str) -> Option<String> {
        let got = self
            .dynamodb
            .get_item()
            .table_name("modulo1-local")
            .key("modulo1Id", AttributeValue::S(id.to_owned()));
        let item = got.send().await.unwrap().item?;
        Some(item["data"].as_s().unwrap().clone())
    }
}
