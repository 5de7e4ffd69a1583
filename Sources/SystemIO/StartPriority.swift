import Glibc

/// The processor goes first to a start for which users wait; where that is not permitted (CAP_SYS_NICE) it goes as ever.
public enum StartPriority {
    private static let nice: Int32 = -10
    private static let thread = __priority_which_t(PRIO_PROCESS.rawValue)

    /// Of every thread that there is, and so of those that they start.
    public static func raise() {
        forEachThread { id in if getpriority(thread, id) == 0 { setpriority(thread, id, nice) } }
    }

    /// What was raised is as before.
    public static func restore() {
        forEachThread { id in if getpriority(thread, id) == nice { setpriority(thread, id, 0) } }
    }

    private static func forEachThread(_ body: (id_t) -> Void) {
        guard let directory = opendir("/proc/self/task") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = id_t(name) { body(id) }
        }
    }
}
