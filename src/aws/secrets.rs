//! The values that the account keeps: in Parameter Store, and in Secrets Manager.

use aws_sdk_secretsmanager::primitives::Blob;

use super::account;
use super::failure::Failure;
use crate::module::name::{ParameterName, SecretName};

/// The value of a parameter.
pub(crate) async fn parameter(name: &ParameterName) -> Result<Box<[u8]>, Failure> {
    let client = aws_sdk_ssm::Client::new(account().await);
    let call = client.get_parameter().name(name.as_str());
    let output = call.with_decryption(true).send().await;
    let output = output.map_err(|error| Failure::new(&error))?;
    let value = output.parameter.and_then(|parameter| parameter.value);
    Ok(value.unwrap_or_default().into_bytes().into())
}

/// The value of a secret, which is a text or bytes.
pub(crate) async fn secret(name: &SecretName) -> Result<Box<[u8]>, Failure> {
    let client = aws_sdk_secretsmanager::Client::new(account().await);
    let call = client.get_secret_value().secret_id(name.as_str());
    let output = call.send().await.map_err(|error| Failure::new(&error))?;
    let text = output.secret_string.map(String::into_bytes);
    let bytes = text.or(output.secret_binary.map(Blob::into_inner));
    Ok(bytes.unwrap_or_default().into())
}
