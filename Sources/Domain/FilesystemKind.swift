import Base

/// Filesystems that are made and mounted, each with what may be asked of it. Options outside the lists are refused: some
/// would weaken flushes (`nobarrier`), some would place data elsewhere (`logdev`).
public enum FilesystemKind: String, Sendable, Codable, CaseIterable {
    case ext4, xfs

    /// mkfs.xfs refuses less than 300 MiB, and 304 leaves room for its log; mkfs.ext4 makes no journal under 2 MiB.
    public var smallestBytes: UInt64 {
        switch self {
        case .ext4: 16 << 20
        case .xfs: 304 << 20
        }
    }

    private static let commonMountOptions: Set<String> = [
        "noatime", "nodiratime", "relatime", "strictatime", "lazytime", "nolazytime", "discard", "nodiscard", "ro",
        "rw",
        "nosuid", "nodev", "noexec", "suid", "dev", "exec", "sync", "async", "dirsync",
    ]

    private var ownMountOptions: Set<String> {
        switch self {
        case .ext4:
            [
                "acl", "noacl", "data=ordered", "data=journal", "errors=remount-ro", "errors=continue", "delalloc",
                "nodelalloc",
            ]
        case .xfs: ["nouuid", "inode64", "largeio", "nolargeio", "swalloc", "attr2", "filestreams"]
        }
    }

    /// Options that take a number, with the largest it may be.
    private var numericMountOptions: [String: UInt64] {
        switch self {
        case .ext4: ["commit": 300, "stripe": 1 << 20, "inode_readahead_blks": 4096, "max_batch_time": 1_000_000]
        case .xfs: ["logbufs": 8, "logbsize": 256 << 10, "allocsize": 1 << 30]
        }
    }

    /// Nil where `option` may be given to mount(8).
    public func problem(withMountOption option: String) -> String? {
        if Self.commonMountOptions.contains(option) || ownMountOptions.contains(option) { return nil }
        let parts = option.split(separator: "=", maxSplits: 1)
        if parts.count == 2, let largest = numericMountOptions[String(parts[0])] {
            if let value = Self.number(parts[1]), value <= largest { return nil }
            return "mount option '\(option)': \(parts[0]) takes a number up to \(largest)"
        }
        let known = Self.commonMountOptions.union(ownMountOptions).union(numericMountOptions.keys.map { "\($0)=N" })
        return
            "mount option '\(option)' is not offered for \(rawValue); known: \(known.sorted().joined(separator: ", "))"
    }

    /// Nil where `option`, one flag with its value (`-m 1`), may be given to mkfs.
    public func problem(withMkfsOption option: String) -> String? {
        let parts = option.split(separator: " ")
        guard parts.count == 2, let form = mkfsOptions[String(parts[0])] else {
            return "mkfs option '\(option)' is not offered for \(rawValue); known: "
                + mkfsOptions.keys.sorted().map { "'\($0) …'" }.joined(separator: ", ")
        }
        switch form {
        case .number:
            return Self.number(parts[1]) == nil ? "mkfs option '\(option)' takes a number" : nil
        case .settings(let names):
            for setting in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                let pair = setting.split(separator: "=", omittingEmptySubsequences: false)
                let value = pair.count == 2 ? Self.number(pair[1]) : 0
                guard let name = pair.first, names.contains(String(name)), pair.count <= 2, value != nil else {
                    return "mkfs option '\(option)': '\(setting)' is not offered; known: "
                        + names.sorted().joined(separator: ", ")
                }
            }
            return nil
        }
    }

    private enum OptionForm {
        case number
        /// Comma-separated names, each with a number or alone.
        case settings(Set<String>)
    }

    private var mkfsOptions: [String: OptionForm] {
        switch self {
        case .ext4:
            [
                "-m": .number, "-i": .number, "-I": .number, "-N": .number,
                "-E": .settings([
                    "lazy_itable_init", "lazy_journal_init", "nodiscard", "discard", "stride", "stripe_width",
                    "packed_meta_blocks",
                ]),
            ]
        case .xfs:
            [
                "-i": .settings(["size", "maxpct", "sparse"]),
                "-m": .settings(["finobt", "reflink", "rmapbt", "bigtime", "inobtcount"]),
                "-d": .settings(["agcount", "su", "sw", "sunit", "swidth"]),
                "-l": .settings(["size", "su", "sunit", "lazy-count"]),
                "-n": .settings(["size", "ftype"]),
            ]
        }
    }

    /// A number with mkfs's own suffixes k, m and g.
    private static func number(_ text: Substring) -> UInt64? {
        let units: [Character: UInt64] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        guard let last = text.last, text.count < 18 else { return nil }
        let unit = units[last]
        guard let value = UInt64(unit == nil ? text : text.dropLast()) else { return nil }
        return value.multipliedReportingOverflow(by: unit ?? 1).overflow ? nil : value * (unit ?? 1)
    }
}
