//! `--watch`: reloads when the configuration file or the scripts folder changes.
//!
//! Folders are watched, not files: editors and mounted volumes replace files by renaming. A change is acted on
//! once things have been quiet for a moment, and only if the contents differ from what was read last.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::Event;

/// Quiet time after the last change before it is acted on.
const QUIET: Duration = Duration::from_millis(50);

/// Watches until the process ends; the returned watcher must be kept.
///
/// # Errors
/// When the system cannot watch one of the folders.
pub fn start(
    config_file: Option<&Path>,
    scripts: &Path,
    events: UnboundedSender<Event>,
) -> notify::Result<RecommendedWatcher> {
    let (changed, mut changes) = mpsc::unbounded_channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_access = event.as_ref().is_ok_and(|event| event.kind.is_access());
        if !is_access {
            let _ = changed.send(());
        }
    })?;
    if let Some(folder) = config_file.map(parent) {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    if scripts.is_dir() {
        watcher.watch(scripts, RecursiveMode::Recursive)?;
    }
    let files = (config_file.map(Path::to_owned), scripts.to_owned());
    let mut seen = digest(files.0.as_deref(), &files.1);
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
            let now = digest(files.0.as_deref(), &files.1);
            if now != std::mem::replace(&mut seen, now)
                && events.send(Event::Reload { trigger: "watch", reply: None }).is_err()
            {
                return;
            }
        }
    });
    Ok(watcher)
}

fn parent(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A digest of the configuration file and every script, by content.
fn digest(config_file: Option<&Path>, scripts: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Some(file) = config_file {
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    let mut files = Vec::new();
    collect(scripts, 8, &mut files);
    files.sort();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, files);
        } else if path.extension().is_some_and(|extension| extension == "rhai") {
            files.push(path);
        }
    }
}
