//! Counted allocations and bytes of this thread. Without the feature `count` nothing is counted and the allocator is
//! the plain one.

/// What some work asked of the allocator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    /// How often.
    pub(crate) allocations: u64,
    /// How many bytes are still held afterwards.
    pub(crate) bytes_kept: i64,
}

/// Runs some work and counts; nothing where nothing is counted.
#[cfg(feature = "count")]
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Option<Used>) {
    let mut made = None;
    let info = allocation_counter::measure(|| made = Some(work()));
    let used = Used { allocations: info.count_total, bytes_kept: info.bytes_current };
    (made.expect("the work was run"), Some(used))
}

/// Runs some work and counts; nothing where nothing is counted.
#[cfg(not(feature = "count"))]
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Option<Used>) {
    (work(), None)
}

/// Runs some work that is timed: the counter only looks whether it is wanted (about a nanosecond an allocation).
#[cfg(feature = "count")]
pub(crate) fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    let mut made = None;
    allocation_counter::opt_out(|| made = Some(work()));
    made.expect("the work was run")
}

/// Runs some work that is timed.
#[cfg(not(feature = "count"))]
pub(crate) fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The most memory that this process has held at once, in bytes.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
