//! What the stack, and what is in it, are called. osls makes the same names of service and stage.

use crate::config::Config;

/// The function's log group.
pub(super) const LOG_GROUP: &str = "ApiLogGroup";
/// The function's role.
pub(super) const ROLE: &str = "IamRoleLambdaExecution";
/// The function.
pub(super) const FUNCTION: &str = "ApiLambdaFunction";
/// The function's URL.
pub(super) const FUNCTION_URL: &str = "ApiLambdaFunctionUrl";
/// The REST API.
pub(super) const REST_API: &str = "ApiGatewayRestApi";
/// The REST API's stage.
pub(super) const REST_STAGE: &str = "ApiGatewayStage";
/// The HTTP API.
pub(super) const HTTP_API: &str = "HttpApi";
/// The HTTP API's stage.
pub(super) const HTTP_STAGE: &str = "HttpApiStage";

/// The names that are made of service and stage.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) service: String,
    pub(super) stage: String,
    /// The stack's own.
    pub(super) stack: String,
}

impl Names {
    pub(super) fn of(config: &Config) -> Self {
        let (service, stage) = (&config.service.name, &config.service.stage);
        Self {
            service: service.to_string(),
            stage: stage.to_string(),
            stack: format!("{service}-{stage}"),
        }
    }

    pub(super) fn function(&self) -> String {
        format!("{}-api", self.stack)
    }

    /// Both APIs'.
    pub(super) fn api(&self) -> String {
        format!("{}-{}", self.stage, self.service)
    }
}
