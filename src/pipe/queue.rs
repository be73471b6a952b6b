//! A queue between threads and tasks that is bounded in bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The sending end; clones send into the same queue.
#[derive(Debug)]
pub struct QueueSender<T> {
    sender: mpsc::Sender<(T, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    permits_max: u32,
}

/// The receiving end.
#[derive(Debug)]
pub struct QueueReceiver<T>(mpsc::Receiver<(T, OwnedSemaphorePermit)>);

/// Room in a queue for one entry, held before there is one.
#[derive(Debug)]
pub struct QueueRoom<T> {
    slot: mpsc::OwnedPermit<(T, OwnedSemaphorePermit)>,
    permit: OwnedSemaphorePermit,
}

/// Nobody receives any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct QueueClosed;

/// Bytes that one permit stands for, so that a semaphore can count any memory.
const PERMIT_BYTES: usize = 1024;
/// The most entries in a queue, whatever their size; it only sizes the channel's own table.
const ENTRIES_MAX: usize = 1024;

/// A queue whose entries take at most `bytes_max` bytes together, or one entry if that alone is larger.
#[must_use]
pub fn queue<T>(bytes_max: usize) -> (QueueSender<T>, QueueReceiver<T>) {
    let permits_max = u32::try_from(bytes_max.div_ceil(PERMIT_BYTES).max(1)).unwrap_or(u32::MAX >> 3);
    let (sender, receiver) = mpsc::channel(ENTRIES_MAX);
    let room = Arc::new(Semaphore::new(permits_max as usize));
    (QueueSender { sender, room, permits_max }, QueueReceiver(receiver))
}

// === impl QueueSender ===

impl<T> QueueSender<T> {
    /// Sends `entry`, which takes `bytes` bytes; waits for room. The room is free again when the receiver drops the
    /// permit that comes with the entry.
    ///
    /// # Errors
    /// When the receiver is gone; the entry is dropped.
    pub async fn send(&self, entry: T, bytes: usize) -> Result<(), QueueClosed> {
        let permit =
            self.room.clone().acquire_many_owned(self.permits(bytes)).await.map_err(|_| QueueClosed)?;
        self.sender.send((entry, permit)).await.map_err(|_| QueueClosed)
    }

    /// Waits for room for an entry of `bytes` bytes. Giving up the wait takes nothing.
    ///
    /// # Errors
    /// When the receiver is gone.
    pub async fn room(&self, bytes: usize) -> Result<QueueRoom<T>, QueueClosed> {
        let permit =
            self.room.clone().acquire_many_owned(self.permits(bytes)).await.map_err(|_| QueueClosed)?;
        let slot = self.sender.clone().reserve_owned().await.map_err(|_| QueueClosed)?;
        Ok(QueueRoom { slot, permit })
    }

    /// Room for an entry of `bytes` bytes, where there is some now.
    #[must_use]
    pub fn try_room(&self, bytes: usize) -> Option<QueueRoom<T>> {
        let permit = self.room.clone().try_acquire_many_owned(self.permits(bytes)).ok()?;
        let slot = self.sender.clone().try_reserve_owned().ok()?;
        Some(QueueRoom { slot, permit })
    }

    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX).clamp(1, self.permits_max)
    }
}

impl<T> Clone for QueueSender<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), room: self.room.clone(), permits_max: self.permits_max }
    }
}

// === impl QueueRoom ===

impl<T> QueueRoom<T> {
    /// Puts `entry` into the queue.
    pub fn put(self, entry: T) {
        drop(self.slot.send((entry, self.permit)));
    }
}

// === impl QueueReceiver ===

impl<T> QueueReceiver<T> {
    /// The next entry and the permit for its bytes, to be dropped when the bytes are; `None` when every sender is gone
    /// and all is received.
    pub async fn next(&mut self) -> Option<(T, OwnedSemaphorePermit)> {
        self.0.recv().await
    }

    /// As [`QueueReceiver::next`], where there is an entry now.
    pub fn next_now(&mut self) -> Option<(T, OwnedSemaphorePermit)> {
        self.0.try_recv().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_makes_the_sender_wait_until_bytes_are_freed() {
        let (sender, mut receiver) = queue::<u8>(4 * PERMIT_BYTES);
        sender.send(1, 3 * PERMIT_BYTES).await.unwrap();
        let second = tokio::spawn(async move { sender.send(2, 2 * PERMIT_BYTES).await });
        tokio::task::yield_now().await;
        let (first, permit) = receiver.next().await.unwrap();
        assert_eq!(first, 1);
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "the first entry's bytes are still held");
        drop(permit);
        assert_eq!(receiver.next().await.map(|(entry, _)| entry), Some(2));
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn room_that_is_held_is_nobody_elses_until_it_is_filled_and_emptied() {
        let (sender, mut receiver) = queue::<u8>(4 * PERMIT_BYTES);
        let room = sender.room(3 * PERMIT_BYTES).await.unwrap();
        assert!(sender.try_room(2 * PERMIT_BYTES).is_none());
        assert!(receiver.next_now().is_none());
        room.put(1);
        assert!(sender.try_room(2 * PERMIT_BYTES).is_none(), "the entry has its bytes now");
        assert_eq!(receiver.next_now().map(|(entry, _)| entry), Some(1));
        assert!(sender.try_room(2 * PERMIT_BYTES).is_some());
    }

    #[tokio::test]
    async fn an_entry_larger_than_the_queue_passes_alone() {
        let (sender, mut receiver) = queue::<u8>(PERMIT_BYTES);
        sender.send(1, 100 * PERMIT_BYTES).await.unwrap();
        assert_eq!(receiver.next().await.map(|(entry, _)| entry), Some(1));
    }
}
