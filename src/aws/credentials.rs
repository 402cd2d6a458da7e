//! Whether this machine has credentials for AWS, asked before the first call that needs them.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::ProvideCredentials;

/// AWS can't be called.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot load AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`\ncause: {cause}"
)]
pub struct CredentialsError {
    /// What the SDK says, on one line.
    cause: String,
}

/// Loads the credentials, as the first call would.
pub(crate) async fn check(account: &SdkConfig) -> Result<(), CredentialsError> {
    let Some(provider) = account.credentials_provider() else {
        let cause = "no credentials provider is configured".to_owned();
        return Err(CredentialsError { cause });
    };
    let loaded = provider.provide_credentials().await;
    loaded.map(drop).map_err(|error| CredentialsError {
        cause: on_one_line(&error),
    })
}

/// How to go on after a failure that a text reports, if AWS refused the credentials and the text does
/// not say it already.
#[must_use]
pub fn help(failure: &str) -> Option<&'static str> {
    let mut words = failure.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .find_map(advice)
        .filter(|advice| !failure.contains(advice))
}

/// How to go on where AWS refuses the credentials of a call, by the error's code.
pub(crate) fn advice(code: &str) -> Option<&'static str> {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Some(
            "the AWS credentials have expired; log in again, for instance with `aws sso login`, or \
             set new ones",
        ),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "AuthFailure" => Some(
            "AWS does not accept the credentials; check AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, and the clock of this machine",
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Some(
            "the AWS credentials do not permit it; allow the action that AWS names, or use other \
             credentials",
        ),
        _ => None,
    }
}

/// An error and its sources. The SDK's error has a line for each provider that was tried.
fn on_one_line(error: &(dyn Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    let texts: Vec<_> = sources.map(ToString::to_string).collect();
    let text = texts.join(": ");
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let rest: Vec<_> = rest.lines().map(str::trim).collect();
    format!("{first} {}", rest.join("; ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_is_said_once() {
        let failure = "DynamoDB failed: UnrecognizedClientException: The security token included \
                       in the request is invalid.";
        let way_on = help(failure).expect("the credentials are refused");
        assert!(way_on.starts_with("AWS does not accept the credentials; check AWS_PROFILE"));
        assert_eq!(help(&format!("{way_on}\ncause: {failure}")), None);
        assert_eq!(help("cannot read `modules.toml`"), None);
    }
}
