//! The client of DynamoDB, with the time limits and retries that fit a request.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;

#[cfg(feature = "cli")]
use {
    aws_sdk_dynamodb::config::auth::{Params, ResolveAuthScheme},
    aws_sdk_dynamodb::config::{ConfigBag, RuntimeComponents},
    aws_smithy_runtime_api::client::auth::{
        AuthSchemeId, AuthSchemeOption, AuthSchemeOptionsFuture,
    },
};

use super::classify::classify;
use super::error::StoreError;
use super::trim::Trim;
use super::usage::Watch;
use crate::module::{KeyType, Table};

/// The time limits of one operation. They add up to less than an API Gateway's 29 s, and the time
/// limit of the whole request, which knows what Lambda has left, cuts them short.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(3);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(7);
pub(super) const ATTEMPTS: u32 = 3;
pub(super) const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// The id that is asked for where the answer does not matter.
const NOBODY: &str = "\0modulo warms up";
const NOBODYS_NUMBER: &str = "-9.9e125";

/// DynamoDB, in which the tables are. What is in a module's table, only its
/// [`Items`](super::Items) can reach.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) client: Client,
}

impl Store {
    /// A store in the account or the endpoint that `shared` leads to, with the time limits and
    /// retries that fit a request.
    #[must_use]
    pub fn new(shared: &aws_config::SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        Self::with(shared, timeouts, retries)
    }

    pub(super) fn with(
        shared: &aws_config::SdkConfig,
        timeouts: TimeoutConfig,
        retries: RetryConfig,
    ) -> Self {
        let config = Builder::from(shared);
        Self::of(config.timeout_config(timeouts).retry_config(retries))
    }

    /// A store in an engine of this process, which `shared` leads to. Its calls are sent once, since
    /// there is no connection that an answer could be lost on; they have the time that the request
    /// has; and they are not signed, since nobody holds a signature against a key.
    #[cfg(feature = "cli")]
    pub(crate) fn embedded(shared: &aws_config::SdkConfig) -> Self {
        let config = Builder::from(shared)
            .auth_scheme_resolver(Unsigned)
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::disabled());
        Self::of(config)
    }

    fn of(config: Builder) -> Self {
        // It watches streamed bodies; DynamoDB has none.
        let mut config =
            config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        // Permanent: it is not asked of each of their steps whether they are disabled.
        config
            .push_interceptor(SharedInterceptor::permanent(Trim))
            .push_interceptor(SharedInterceptor::permanent(Watch));
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Connects, by asking for an item that nobody stores: what the first request need not wait for.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn warm_up(&self, table: &Table) -> Result<(), StoreError> {
        let key = table.keys().map(|(attribute, key_type)| {
            let value = match key_type {
                KeyType::S => NOBODY,
                KeyType::N => NOBODYS_NUMBER,
            };
            (attribute.to_owned(), key_type.value(value.to_owned()))
        });
        self.client
            .get_item()
            .table_name(table.name().as_str())
            .set_key(Some(key.collect()))
            .projection_expression("#key")
            .expression_attribute_names("#key", table.key().partition().attribute.as_str())
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(())
    }
}

/// Has the SDK sign nothing.
#[cfg(feature = "cli")]
#[derive(Debug)]
struct Unsigned;

#[cfg(feature = "cli")]
impl ResolveAuthScheme for Unsigned {
    fn resolve_auth_scheme<'a>(
        &'a self,
        _: &'a Params,
        _: &'a ConfigBag,
        _: &'a RuntimeComponents,
    ) -> AuthSchemeOptionsFuture<'a> {
        let none = AuthSchemeOption::from(AuthSchemeId::new("noAuth"));
        AuthSchemeOptionsFuture::ready(Ok(vec![none]))
    }
}
