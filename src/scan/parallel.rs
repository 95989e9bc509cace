//! Work on many files with every core. The results come in the order of the files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// How many files a thread takes at once.
const CHUNK: usize = 16;
/// How many chunks each thread may be ahead of the first one that is not done. So the results that
/// wait take little memory.
const AHEAD: usize = 8;
/// The size of the stack of a thread, in bytes: as large as that of the main thread.
const STACK: usize = 8 << 20;

/// Calls `work` for each item on some thread, then `each` with the result on this thread, in order.
/// Each thread has its own buffer.
pub fn in_order<T: Sync, B: Default, R: Send>(
    items: &[T],
    work: impl Fn(&T, &mut B) -> R + Sync,
    mut each: impl FnMut(&T, R),
) {
    let chunks: Vec<&[T]> = items.chunks(CHUNK).collect();
    let (give, take) = mpsc::channel::<usize>();
    let (done, results) = mpsc::channel();
    let take = Mutex::new(take);
    let worker = |done: mpsc::Sender<_>| {
        let mut buffer = B::default();
        let next = || take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok(index) = next() {
            let chunk = || chunks[index].iter().map(|item| work(item, &mut buffer)).collect();
            let result: thread::Result<Vec<R>> = catch_unwind(AssertUnwindSafe(chunk));
            if done.send((index, result)).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        // Without it, the threads end. So it is dropped here, also if this thread panics.
        let give = give;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let start = |_: &usize| {
            let done = done.clone();
            let thread = thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, || worker(done)).is_ok()
        };
        let threads = match chunks.len() {
            0 | 1 => 0,
            count => (0..cores.min(count)).filter(start).count(),
        };
        if threads == 0 {
            let mut buffer = B::default();
            return items.iter().for_each(|item| each(item, work(item, &mut buffer)));
        }
        let mut left = 0..chunks.len();
        let mut give_next = || {
            if let Some(next) = left.next() {
                give.send(next).expect("the threads wait for this one");
            }
        };
        (0..threads * AHEAD).for_each(|_| give_next());
        let mut waiting = BTreeMap::new();
        for (index, chunk) in chunks.iter().enumerate() {
            while !waiting.contains_key(&index) {
                let (index, result) = results.recv().expect("the threads wait for this one");
                waiting.insert(index, result);
            }
            let result = waiting.remove(&index).expect("it is there");
            let result = result.unwrap_or_else(|panic| resume_unwind(panic));
            chunk.iter().zip(result).for_each(|(item, result)| each(item, result));
            give_next();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_from_several_threads() {
        for count in [0, 1, CHUNK, CHUNK + 1, 5000] {
            let items: Vec<usize> = (0..count).collect();
            let mut seen = Vec::new();
            let work = |item: &usize, own: &mut usize| {
                *own += 1;
                // The first ones take longest.
                let busy = (0..(count - item) * 10).map(std::hint::black_box).sum::<usize>();
                std::hint::black_box(busy);
                item * 2
            };
            in_order(&items, work, |item, twice| seen.push((*item, twice)));
            assert_eq!(seen, items.iter().map(|item| (*item, item * 2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_in_a_thread_ends_all_of_them() {
        let items: Vec<usize> = (0..5000).collect();
        let work = |item: &usize, (): &mut ()| assert_ne!(*item, 3000, "this one");
        let mut seen = 0;
        let result = catch_unwind(AssertUnwindSafe(|| in_order(&items, work, |_, ()| seen += 1)));
        assert!(result.is_err() && seen <= 3000, "{seen}");
    }
}
