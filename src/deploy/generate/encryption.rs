//! A KMS key of one's own, for the tables: what they say of it, and what the function may do with it.

use serde_json::{Value, json};

/// A table's `SSESpecification`.
pub(super) fn of_table(key: &Value) -> Value {
    json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key })
}

/// The statement of the function's role. DynamoDB uses the key in the name of who reads and writes,
/// and Lambda decrypts the function's environment in that of its role.
pub(super) fn statement(key: &Value) -> Value {
    json!({
        "Effect": "Allow",
        "Action": [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        "Resource": key,
    })
}
