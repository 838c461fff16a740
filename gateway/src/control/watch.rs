//! `--watch`: reloads when the configuration file, the scripts folder or the folder of patches changes.
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
    patches: &Path,
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
    if patches.is_dir() {
        watcher.watch(patches, RecursiveMode::NonRecursive)?;
    }
    let files = Files {
        config: config_file.map(Path::to_owned),
        scripts: scripts.to_owned(),
        patches: patches.to_owned(),
    };
    let mut seen = files.digest();
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
            let now = files.digest();
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

/// What is watched.
struct Files {
    config: Option<PathBuf>,
    scripts: PathBuf,
    patches: PathBuf,
}

impl Files {
    /// A digest of the configuration file, every script and every file of a patch, by content.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some(file) = &self.config {
            fs::read(file).unwrap_or_default().hash(&mut hasher);
        }
        let mut files = Vec::new();
        collect(&self.scripts, 8, &["rhai"], &mut files);
        collect(&self.patches, 0, &["so", "minisig", "toml"], &mut files);
        files.sort();
        for file in files {
            file.hash(&mut hasher);
            fs::read(&file).unwrap_or_default().hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn collect(folder: &Path, depth: usize, endings: &[&str], files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // Files in the making have hidden names.
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, endings, files);
            }
        } else if endings.contains(&ending) && !is_hidden {
            files.push(path);
        }
    }
}
