// Filesystems
