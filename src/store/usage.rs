//! What the calls of DynamoDB cost: their time, their tries, the capacity that they consume.
//!
//! One interceptor of the client sees every call. What it sees it tells the meter of the task it
//! runs in; where there is none, nothing is read and no capacity asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::{
    batch_get_item, batch_write_item, delete_item, get_item, put_item, query, scan,
    transact_get_items, transact_write_items, update_item,
};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::classify::is_throttle;
use super::doubt;

tokio::task_local! {
    static METER: Meter;
}

/// What DynamoDB was used for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// How many operations were asked for.
    pub calls: u32,
    /// How often one was tried again, since there was no answer or none that helps.
    pub retries: u32,
    /// How many answers said that it was too much at once.
    pub throttles: u32,
    /// How long there was at least one call under way.
    pub time: Duration,
    /// The read capacity that was consumed, in units.
    pub read_units: f64,
    /// The write capacity that was consumed, in units.
    pub write_units: f64,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name in DynamoDB.
    pub operation: String,
    /// When it was asked for.
    pub began: SystemTime,
    /// When it was answered, or given up.
    pub ended: SystemTime,
    /// Whether the answer was an error.
    pub has_failed: bool,
}

/// Reads the [`Usage`] of what is done within it.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    usage: Usage,
    attempts: u32,
    under_way: u32,
    since: Option<Instant>,
    /// The calls that have ended, where the log is to have them.
    calls: Option<Vec<Call>>,
}

impl Reading {
    /// Notes that a call has ended, and what it consumed.
    fn end(&mut self, units: Option<Units>) {
        match units {
            Some(Units::Read(units)) => self.usage.read_units += units,
            Some(Units::Write(units)) => self.usage.write_units += units,
            None => {}
        }
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0 {
            let time = self.since.take().map(|since| since.elapsed());
            self.usage.time += time.unwrap_or_default();
        }
    }
}

/// When a call began; the SDK keeps it with what it knows of the call.
#[derive(Debug, Clone, Copy)]
struct Began(SystemTime);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

impl Meter {
    /// One that also notes each call.
    #[must_use]
    pub fn of_calls() -> Self {
        let calls = Some(Vec::new());
        Self(Arc::new(Mutex::new(Reading {
            calls,
            ..Reading::default()
        })))
    }

    /// The calls that have ended since they were last taken, if this meter notes them.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        let mut reading = self.reading();
        reading
            .calls
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Reads the calls that `work` makes, but for those of tasks that it starts: see
    /// `metered_as_here`.
    pub fn read<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        METER.scope(self.clone(), work)
    }

    /// What was used so far; a call that was dropped before it ended counts up to now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let reading = self.reading();
        let unfinished = reading.since.map(|since| since.elapsed());
        Usage {
            retries: reading.attempts.saturating_sub(reading.usage.calls),
            time: reading.usage.time + unfinished.unwrap_or_default(),
            ..reading.usage
        }
    }

    /// Nothing in here panics while it is locked.
    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work for another task, read by the meter of this one.
pub(super) fn metered_as_here<F>(work: F) -> impl Future<Output = F::Output> + Send
where
    F: Future + Send,
{
    let meter = METER.try_with(Meter::clone);
    async move {
        match meter {
            Ok(meter) => meter.read(work).await,
            Err(_) => work.await,
        }
    }
}

/// Tells the meter of the task, if there is one.
fn record(what: impl FnOnce(&mut Reading)) {
    // Without a meter nobody wants to know.
    let _ = METER.try_with(|meter| what(&mut meter.reading()));
}

/// Watches every call of the client.
#[derive(Debug)]
pub(super) struct Watch;

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        known: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        record(|reading| {
            if reading.calls.is_some() {
                known
                    .interceptor_state()
                    .store_put(Began(SystemTime::now()));
            }
            ask_for_capacity(context.input_mut());
            reading.usage.calls += 1;
            reading.under_way += 1;
            reading.since.get_or_insert_with(Instant::now);
        });
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        record(|reading| reading.attempts += 1);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        doubt::note(context);
        let Some(Err(error)) = context.output_or_error() else {
            return Ok(());
        };
        let code = error.as_operation_error().and_then(code);
        if code.is_some_and(is_throttle) {
            record(|reading| reading.usage.throttles += 1);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        known: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        record(|reading| {
            let result = context.output_or_error();
            reading.end(result.and_then(Result::ok).and_then(consumed));
            let began = known.load::<Began>();
            if let (Some(calls), Some(&Began(began))) = (&mut reading.calls, began) {
                let name = known.load::<Metadata>().map(Metadata::name);
                calls.push(Call {
                    operation: name.unwrap_or_default().to_owned(),
                    began,
                    ended: SystemTime::now(),
                    has_failed: !matches!(result, Some(Ok(_))),
                });
            }
        });
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Units {
    Read(f64),
    Write(f64),
}

/// The operations of items: their module in the SDK, what they consume, their three types.
macro_rules! operations {
    ($($module:ident $units:ident $input:ident $output:ident $error:ident;)*) => {
        /// Has the answer tell the capacity.
        fn ask_for_capacity(input: &mut Input) {
            $(if let Some(input) = input.downcast_mut::<$module::$input>() {
                input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                return;
            })*
        }

        fn consumed(output: &Output) -> Option<Units> {
            $(if let Some(output) = output.downcast_ref::<$module::$output>() {
                let tables = output.consumed_capacity().into_iter();
                let units = tables.filter_map(|table| table.capacity_units());
                return Some(Units::$units(units.sum()));
            })*
            None
        }

        fn code(error: &Error) -> Option<&str> {
            $(if let Some(error) = error.downcast_ref::<$module::$error>() {
                return error.code();
            })*
            None
        }
    };
}

operations! {
    get_item Read GetItemInput GetItemOutput GetItemError;
    put_item Write PutItemInput PutItemOutput PutItemError;
    update_item Write UpdateItemInput UpdateItemOutput UpdateItemError;
    delete_item Write DeleteItemInput DeleteItemOutput DeleteItemError;
    scan Read ScanInput ScanOutput ScanError;
    query Read QueryInput QueryOutput QueryError;
    batch_get_item Read BatchGetItemInput BatchGetItemOutput BatchGetItemError;
    batch_write_item Write BatchWriteItemInput BatchWriteItemOutput BatchWriteItemError;
    transact_get_items Read TransactGetItemsInput TransactGetItemsOutput TransactGetItemsError;
    transact_write_items Write TransactWriteItemsInput TransactWriteItemsOutput TransactWriteItemsError;
}
