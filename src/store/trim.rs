//! What is left out of the SDK's calls, since DynamoDB does not read it.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{disable_interceptor, dyn_dispatch_hint};

/// How AWS's logs name the caller.
const USER_AGENT: &str = concat!("modulo/", env!("CARGO_PKG_VERSION"));

/// Puts one name in the place of the SDK's two, which it makes anew for each call, of a dozen parts,
/// and one of which it signs: a twentieth of a call's instructions. A call's id and the number of
/// its attempt are left out: a hundredth.
#[derive(Debug)]
pub(super) struct Trim;

#[dyn_dispatch_hint]
impl Intercept for Trim {
    fn name(&self) -> &'static str {
        "Trim"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        known: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let known = known.interceptor_state();
        known.store_put(disable_interceptor::<UserAgentInterceptor>("has its own"));
        known.store_put(disable_interceptor::<InvocationIdInterceptor>("not read"));
        known.store_put(disable_interceptor::<RequestInfoInterceptor>("not read"));
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.insert("user-agent", USER_AGENT);
        Ok(())
    }
}
