//! End-to-end tests: the real `serverless.yml`, deployed to an emulator of AWS.
//!
//! Which emulator is decided in [`emulator`]. Each test has a project folder and a stack of its
//! own, so tests, and copies of this whole run, can go on side by side. To see what `osls` says,
//! run with `-- --nocapture`.

#![forbid(unsafe_code)]
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "a program of tests has settings of its own"
)]

mod address;
mod aws;
mod book;
mod console;
mod contract;
mod defaults;
mod emulator;
mod events;
mod failures;
mod features;
mod history;
mod import;
mod lifecycle;
mod nested;
mod network;
mod packages;
mod permissions;
mod plan;
mod program;
mod project;
mod proxy;
mod refusal;
mod release;
mod served;
mod settings;
mod tables;
mod template;
mod told;
mod webhooks;
