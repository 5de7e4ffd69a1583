import Base
import Glibc

/// A file of /proc or /sys, whose size is not known before it is read.
public func readPseudoFile(_ path: String) throws(Failure) -> String {
    let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, "cannot read \(path)")
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = try systemCall("cannot read \(path)") { Glibc.read(file.number, &buffer, buffer.count) }
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes.append(contentsOf: buffer[0..<count])
    }
}
