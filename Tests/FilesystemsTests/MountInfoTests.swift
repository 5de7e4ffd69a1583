import Base
import Filesystems
import Testing

@Suite struct MountInfoTests {
    @Test func fields() throws {
        let entry = try #require(
            MountEntry(
                line: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue")
        )
        #expect(
            entry
                == MountEntry(
                    id: 36, parent: 35, deviceMajor: 98, deviceMinor: 0, root: "/mnt1", mountPoint: "/mnt2",
                    options: ["rw", "noatime"], type: "ext3", source: "/dev/root",
                    filesystemOptions: ["rw", "errors=continue"]))
        #expect(!entry.isReadOnly)
    }

    @Test(arguments: [
        "", "36", "36 35 98:0 /a /b rw", "36 35 98:0 /a /b rw shared:1 ext3 /dev/root rw",
        "x 35 98:0 /a /b rw - ext3 d rw",
        "36 35 98 /a /b rw - ext3 d rw", "36 35 98:0 /a /b rw - ext3 d",
    ])
    func linesWithoutTheForm(line: String) { #expect(MountEntry(line: line) == nil) }

    /// Any path, however long and strange, comes back from what the kernel would print for it.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func escapesAreUndone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let alphabet = Array(" \t\n\\#0123456789abcö日-,/".unicodeScalars)
        func word() -> String {
            var text = "/"
            for _ in 0..<Int(random.next() % 5000) {
                text.unicodeScalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
            }
            return text
        }
        let (root, mountPoint, source) = (word(), word(), word())
        let optional = random.next() % 2 == 0 ? "shared:7 master:8 " : ""
        let line =
            "1 2 7:3 \(escaped(root)) \(escaped(mountPoint)) ro,nosuid \(optional)- xfs \(escaped(source)) rw,nouuid"
        let table = MountTable(parsing: "junk\n\(line)\n")
        let entry = try #require(table.entry(at: mountPoint), "seed \(seed)")
        #expect(entry.root == root && entry.source == source && entry.isReadOnly, "seed \(seed)")
        #expect(table.entries(ofDevice: 7, 3).count == 1 && table.entries(ofDevice: 7, 4).isEmpty)
    }

    @Test func theTopMountIsFound() {
        let table = MountTable(parsing: "1 2 7:3 / /a rw - xfs one rw\n3 1 7:4 / /a rw - xfs two rw")
        #expect(table.entry(at: "/a")?.source == "two")
    }

    @Test func thisMachine() throws {
        let table = try MountTable.current()
        #expect(table.entry(at: "/proc")?.type == "proc")
    }

    private func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case " ": out += "\\040"
            case "\t": out += "\\011"
            case "\n": out += "\\012"
            case "\\": out += "\\134"
            case "#": out += "\\043"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
