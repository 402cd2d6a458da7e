//! What the kernel's account says of a process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::process::Child;

/// User and system time of the bench.
pub fn own_cpu() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
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
        let status =
            fs::read_to_string(Path::new("/proc").join(self.id.to_string()).join("status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
            .context("no VmRSS")?;
        Ok(resident.trim().parse()?)
    }
}
