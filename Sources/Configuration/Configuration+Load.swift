import Base
import Domain
import Glibc
import Yams

extension Configuration {
    public static let fileBytesMax = 1 << 20

    /// Reads and validates the file. `notFound` and `failedPrecondition` where it cannot be read; `invalid` with one line for
    /// everything that is wrong, each naming the key, its line and the remedy.
    public static func load(path: String) throws(Failure) -> Configuration {
        guard let file = fopen(path, "r") else {
            let kind: FailureKind = errno == ENOENT ? .notFound : .failedPrecondition
            throw Failure(
                kind,
                "cannot read the configuration \(path): \(String(cString: strerror(errno))); "
                    + "deploy/examples/single-host.yaml is an example to copy")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else {
            throw Failure(.failedPrecondition, "cannot read the configuration \(path): is it a file?")
        }
        guard count <= fileBytesMax else {
            throw Failure(.invalid, "the configuration \(path) has more than \(fileBytesMax) bytes")
        }
        do {
            return try parse(String(decoding: bytes[..<count], as: UTF8.self), hostName: hostName())
        } catch {
            throw Failure(nil, "the configuration \(path) cannot be used", cause: error)
        }
    }

    /// `hostName` is the node's id where the file gives none.
    public static func parse(_ yaml: String, hostName: String) throws(Failure) -> Configuration {
        let node: Node?
        do { node = try Yams.compose(yaml: yaml) } catch {
            throw Failure(.invalid, "not valid YAML: \(error)")
        }
        let problems = Problems()
        let root = Reader(node: node, path: "", problems: problems)
        if !root.isPresent { root.problem("is empty; pool.mountpaths is needed at least") }
        let configuration = read(root, hostName: hostName)
        guard problems.messages.isEmpty else {
            let count = problems.messages.count
            throw Failure(
                .invalid,
                "\(count) \(count == 1 ? "problem" : "problems"):\n"
                    + problems.messages.map { "  \($0)" }.joined(separator: "\n"))
        }
        return configuration
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func read(_ root: Reader, hostName: String) -> Configuration {
        root.checkKeys(.root)
        let runDirectory = root.child("runDirectory").absolutePath(default: "/run/ashlar")
        let groups = readGroups(root.child("groups"))
        let classes = readClasses(root.child("classes"), groups)
        let (nodeID, storageHost) = readNode(root.child("node"), hostName)
        return Configuration(
            stateDirectory: root.child("stateDirectory").absolutePath(default: "/var/lib/ashlar"),
            runDirectory: runDirectory,
            logLevel: root.child("logLevel").choice(default: .info), nodeID: nodeID, storageHost: storageHost,
            otherNodes: readOtherNodes(root.child("otherNodes")),
            sockets: readSockets(root.child("csi"), runDirectory),
            engine: readEngine(root.child("engine"), runDirectory), pool: readPool(root.child("pool")), groups: groups,
            groupCreation: root.child("createGroups").choice(default: .start), csi: readCSI(root.child("csi")),
            classes: classes, defaultClass: readDefaultClass(root.child("defaultClass"), classes))
    }

    private static func readNode(_ node: Reader, _ hostName: String) -> (id: String, host: String) {
        node.checkKeys(.node)
        let id = node.child("id").text(default: hostName)
        check(id, node.child("id"))
        let host = node.child("host").text(default: id)
        check(host, node.child("host"))
        return (id, host)
    }

    private static func check(_ id: String, _ reader: Reader) {
        if id.utf8.count > nodeIDBytesMax || id.utf8.contains(where: { $0 <= 32 || $0 == 127 }) {
            reader.problem("'\(id)' must have at most \(nodeIDBytesMax) bytes and no blanks")
        }
    }

    private static func readOtherNodes(_ list: Reader) -> [String] {
        list.list().map { entry in
            let id = entry.requiredText()
            check(id, entry)
            return id
        }
    }

    private static func readCSI(_ csi: Reader) -> CSI {
        let count = csi.child("volumesPerNode")
        return CSI(
            contract: csi.child("contract").choice(default: .v13),
            blockMetadata: csi.child("blockMetadata").choice(default: .variable),
            ephemeralBytesMax: csi.child("ephemeralSizeMax").size(
                default: CSI.ephemeralBytesDefault, in: 1 << 20...CapacityRange.largestBytes,
                multipleOf: CapacityRange.unitBytes),
            volumesPerNodeMax: Int(
                count.size(default: UInt64(CSI.volumesPerNodeDefault), in: 1...100_000, multipleOf: 1)))
    }

    /// CSI's bound is 256 bytes; kubelet's CSINode object takes 192; a topology value takes a label's 63.
    static let nodeIDBytesMax = 128

    private static func readSockets(_ csi: Reader, _ runDirectory: String) -> Sockets {
        csi.checkKeys(.csi)
        let single = csi.child("socket")
        let controller = csi.child("controllerSocket")
        let node = csi.child("nodeSocket")
        if single.isPresent, controller.isPresent || node.isPresent {
            single.problem("give either 'socket' for all services, or 'controllerSocket' and 'nodeSocket'")
        }
        if controller.isPresent != node.isPresent {
            let missing = controller.isPresent ? node : controller
            missing.problem(
                "is missing; 'controllerSocket' and 'nodeSocket' go together, or give 'socket' for all services")
        }
        if controller.isPresent && node.isPresent {
            return Sockets(controller: socketPath(controller, nil), node: socketPath(node, nil))
        }
        let path = socketPath(single, "\(runDirectory)/csi.sock")
        return Sockets(controller: path, node: path)
    }

    /// sockaddr_un holds 107 bytes and a zero (unix(7)).
    static let socketPathBytesMax = 107

    private static func socketPath(_ reader: Reader, _ standard: String?) -> String {
        let path = reader.absolutePath(default: standard)
        if path.utf8.count > socketPathBytesMax {
            reader.problem("'\(path)' is too long for a unix socket; use at most \(socketPathBytesMax) bytes")
        }
        return path
    }

    private static func readEngine(_ engine: Reader, _ runDirectory: String) -> Engine {
        engine.checkKeys(.engine)
        return Engine(
            socket: socketPath(engine.child("socket"), "\(runDirectory)/engine.sock"),
            ringBytes: engine.child("ring").size(
                default: Engine.ringBytesDefault, in: Engine.ringBytesRange, multipleOf: 1 << 20),
            mapCacheBytes: engine.child("mapCache").size(
                default: Engine.mapCacheBytesDefault, in: Engine.mapCacheBytesRange, multipleOf: 1 << 20))
    }
}
