//! What the kernel's account says of a process.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// User and system time of the bench.
pub fn own_cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// More than a processor's caches hold, in bytes.
const SWEPT: usize = 64 << 20;

/// What a cache keeps together, in bytes.
const CACHE_LINE: usize = 64;

/// The calling thread, of which the bench has one.
const THIS: Pid = Pid::from_raw(0);

/// A processor for the bench and another for what it measures, as Lambda and DynamoDB are not where
/// the function is. Where the kernel may choose, it moves both about, and what waking the other
/// costs a program depends on where it is.
#[derive(Clone, Copy)]
pub struct Processors {
    own: CpuSet,
    measured: CpuSet,
}

impl Processors {
    /// The first two that the bench may use, if there are two. From here on the bench has one.
    pub fn apart() -> Result<Option<Self>> {
        let usable = sched_getaffinity(THIS)?;
        let usable = (0..CpuSet::count()).filter(|&processor| usable.is_set(processor) == Ok(true));
        let mut sets = usable.map(|processor| {
            let mut set = CpuSet::new();
            set.set(processor).map(|()| set)
        });
        let (Some(own), Some(measured)) = (sets.next(), sets.next()) else {
            return Ok(None);
        };
        let (own, measured) = (own?, measured?);
        sched_setaffinity(THIS, &own)?;
        Ok(Some(Self { own, measured }))
    }

    /// Starts a program on the processor for it: that of whoever starts it.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        sched_setaffinity(THIS, &self.measured)?;
        let child = command.spawn();
        sched_setaffinity(THIS, &self.own)?;
        Ok(child?)
    }
}

/// The caches of the processor of what is measured.
pub struct Caches {
    processors: Processors,
    /// Written once: to make it anew for each sweep would take ten times as long as to read it.
    memory: Vec<u8>,
}

impl Caches {
    pub fn of(processors: Processors) -> Self {
        let memory = vec![1; SWEPT];
        Self { processors, memory }
    }

    /// Has them lose what they keep of the program.
    pub fn sweep(&self) -> Result<()> {
        sched_setaffinity(THIS, &self.processors.measured)?;
        let lines = self.memory.iter().step_by(CACHE_LINE);
        black_box(lines.map(|&byte| u64::from(byte)).sum::<u64>());
        sched_setaffinity(THIS, &self.processors.own)?;
        Ok(())
    }
}

/// A process that runs, as the kernel accounts for it.
pub struct Process {
    pub id: Pid,
    clock: ClockId,
}

impl Process {
    pub fn of(child: &Child) -> Result<Self> {
        let id = child.id().context("the function has ended")?;
        let id = Pid::from_raw(id.try_into()?);
        let clock = clock_getcpuclockid(id)?;
        Ok(Self { id, clock })
    }

    /// User and system time of all its threads. `/proc/<pid>/stat` has them too, in ticks of 10 ms.
    pub fn cpu(&self) -> Result<Duration> {
        let time: TimeSpec = self.clock.now()?;
        Ok(time.into())
    }

    pub fn resident_kib(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most that was ever resident.
    pub fn peak_kib(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status =
            fs::read_to_string(Path::new("/proc").join(self.id.to_string()).join("status"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))
            .with_context(|| format!("no {name}"))?;
        Ok(kib.trim().parse()?)
    }
}
