//! What the operating system says of this process, under the names that every Prometheus client uses. Linux only: elsewhere
//! nothing is said.

use std::fs;

use super::exposition::Exposition;
use super::families::{PROCESS_CPU, PROCESS_FILES, PROCESS_MEMORY};

/// What `/proc` counts processor time in, on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn show(text: &mut Exposition) {
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().and_then(|status| resident_bytes(&status)) {
        text.family(&PROCESS_MEMORY).add(&[], bytes);
    }
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_seconds(&stat)) {
        text.family(&PROCESS_CPU).add(&[], seconds);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        text.family(&PROCESS_FILES).add(&[], files.count());
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1_024)
}

/// User and system time: the 14th and 15th field; the 2nd, a name in parentheses, may hold blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_as_proc_5_says() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t3\n"), Some(2_097_152));
        let stat = "1 (a ) b) S 0 1 1 0 -1 4 100 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!((resident_bytes("Name:\tx\n"), cpu_seconds("")), (None, None));
    }
}
