//! The API under a name of one's own.

use serde_json::{Value, json};

use super::names::{HTTP_API, HTTP_STAGE, REST_API, REST_STAGE};
use super::{attribute, choose, reference};
use crate::module::base_path::BasePath;

const DOMAIN: &str = "ApiDomain";

/// All of them, by logical id.
pub(super) fn resources(base_path: Option<&BasePath>) -> impl Iterator<Item = (String, Value)> {
    let domain = json!({
        "Type": "AWS::ApiGatewayV2::DomainName",
        "Condition": "HasDomain",
        "Properties": {
            "DomainName": reference("DomainName"),
            "DomainNameConfigurations": [{
                "CertificateArn": reference("CertificateArn"),
                "EndpointType": "REGIONAL",
                "SecurityPolicy": "TLS_1_2",
                // For the AAAA record.
                "IpAddressType": "dualstack",
            }],
        },
    });
    let mut mapping = json!({
        "Type": "AWS::ApiGatewayV2::ApiMapping",
        "Condition": "HasDomain",
        "Properties": {
            "DomainName": reference(DOMAIN),
            "ApiId": choose("HasHttpApi", reference(HTTP_API), reference(REST_API)),
            // By the resources, which must be there first: a dependency on one that is not made at all
            // is an error.
            "Stage": choose("HasHttpApi", reference(HTTP_STAGE), reference(REST_STAGE)),
        },
    });
    if let Some(path) = base_path {
        mapping["Properties"]["ApiMappingKey"] = path.as_str().trim_start_matches('/').into();
    }
    let records = ["A", "AAAA"].map(|kind| {
        let record = json!({
            "Type": "AWS::Route53::RecordSet",
            "Condition": "HasZone",
            "Properties": {
                "HostedZoneId": reference("HostedZoneId"),
                "Name": reference("DomainName"),
                "Type": kind,
                "AliasTarget": {
                    "DNSName": attribute(DOMAIN, "RegionalDomainName"),
                    "HostedZoneId": attribute(DOMAIN, "RegionalHostedZoneId"),
                },
            },
        });
        (format!("{DOMAIN}Record{kind}"), record)
    });
    [
        (DOMAIN.to_owned(), domain),
        (format!("{DOMAIN}Mapping"), mapping),
    ]
    .into_iter()
    .chain(records)
}

/// The API's address and, without a zone, what a DNS record must lead to.
pub(super) fn outputs(base_path: Option<&BasePath>) -> Vec<(&'static str, Value)> {
    let path = base_path.map_or("", BasePath::as_str);
    vec![
        (
            "ApiDomainUrl",
            json!({
                "Description": "URL of the API under its own domain",
                "Condition": "HasDomain",
                "Value": { "Fn::Sub": format!("https://${{DomainName}}{path}") },
            }),
        ),
        (
            "ApiDomainTarget",
            json!({
                "Description": "Where a DNS record of the domain must lead",
                "Condition": "HasNoZone",
                "Value": attribute(DOMAIN, "RegionalDomainName"),
            }),
        ),
    ]
}
