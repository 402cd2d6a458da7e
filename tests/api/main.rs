//! modulo through its public doors: HTTP in, the real DynamoDB protocol out, over sockets.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]
#![expect(
    clippy::disallowed_methods,
    reason = "a program of tests has settings of its own"
)]

mod access;
mod adopt;
mod app;
mod batch;
mod book;
mod byte_order_mark;
mod caching;
mod calls;
mod changes;
mod command;
mod compare;
mod conditions;
mod config;
mod console;
mod contract;
mod cors;
mod documents;
mod dynamodb;
mod engine;
mod examples;
mod expiry;
mod faults;
mod health;
mod history;
mod house;
mod idempotency;
mod indexes;
mod init;
mod issuers;
mod key_in_document;
mod keys;
mod lambda;
mod limits;
mod list;
mod new;
mod number_keys;
mod openapi;
mod patch;
mod payload;
mod plain;
mod plan;
mod property;
mod providers;
mod reload;
mod runtime_api;
mod schema;
mod secrecy;
mod secured;
mod server;
mod sort_keys;
mod stamps;
mod tables;
mod template;
mod tenants;
mod traces;
mod transfer;
mod watch;
mod webhooks;
