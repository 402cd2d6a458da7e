//! ARNs: what AWS calls a resource, wherever it is.

use std::fmt;
use std::str::FromStr;

/// What an ARN begins with.
pub(crate) const PREFIX: &str = "arn:";

/// The ARN of a resource that has a region and an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    partition: String,
    service: String,
    region: String,
    account: String,
    resource: String,
}

/// Why a text is not an [`Arn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an ARN is `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, with an account of 12 digits")]
pub struct InvalidArn;

impl Arn {
    /// The service that has the resource, as ARNs call it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Where the resource is.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Whose the resource is.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What the service calls the resource.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix(PREFIX).ok_or(InvalidArn)?;
        let mut parts = text.splitn(5, ':').map(str::to_owned);
        let mut part = || parts.next().ok_or(InvalidArn);
        let arn = Self {
            partition: part()?,
            service: part()?,
            region: part()?,
            account: part()?,
            resource: part()?,
        };
        let is_word = |text: &str| {
            let is_possible = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            !text.is_empty() && text.bytes().all(is_possible)
        };
        let is_account = arn.account.len() == 12 && arn.account.bytes().all(|c| c.is_ascii_digit());
        let is_valid = arn.partition.starts_with("aws")
            && is_word(&arn.partition)
            && is_word(&arn.service)
            && is_word(&arn.region)
            && is_account
            && !arn.resource.is_empty();
        is_valid.then_some(arn).ok_or(InvalidArn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(
            f,
            "{PREFIX}{partition}:{service}:{region}:{account}:{resource}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_resource_with_its_place() {
        let text = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:erp:x";
        let arn: Arn = text.parse().expect("valid");
        assert_eq!(
            (arn.service(), arn.region(), arn.account(), arn.resource()),
            ("sns", "us-gov-west-1", "123456789012", "erp:x")
        );
        assert_eq!(arn.to_string(), text);
        for text in [
            "",
            "erp",
            "aws:sqs:us-east-1:123456789012:erp",
            "arn:aws:sqs:us-east-1:123456789012",
            "arn:aws:sqs:us-east-1:123456789012:",
            "arn:aws:sqs:us-east-1:1234:erp",
            "arn:aws:sqs:us-east-1:12345678901x:erp",
            "arn:aws:sqs::123456789012:erp",
            "arn:aws:sqs:us east 1:123456789012:erp",
            "arn:azure:sqs:us-east-1:123456789012:erp",
        ] {
            assert_eq!(text.parse::<Arn>(), Err(InvalidArn), "{text}");
        }
    }
}
