import Crypto
import FoundationEssentials
import Glibc
import Operations
import Testing

/// `Scripts/setup.sh` on a machine of which the tools that matter are stand-ins.
struct SetupTests {
  private struct Machine: ~Copyable {
    let folder: String

    init() throws {
      folder = FileManager.default.temporaryDirectory.appending(path: "candlecast-setup-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
      try tool("dpkg-query", "echo -n installed")
      try tool("swift", "echo 'Swift version 6.3.1 (swift-6.3.1-RELEASE)'")
      try tool("python3", "[[ $* == *--version* ]]")
      try tool("apt-get", "echo \"apt-get $*\" >>\(folder)/calls")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Written by a child: a file that this process has open for writing cannot be started by anybody as long as a
    /// child of another test holds a copy of the descriptor.
    func tool(_ name: String, _ script: String) throws {
      let writer = ChildProcess(
        executable: "/bin/bash",
        arguments: [
          "-c", "printf '%s' \"$1\" >\"$2\" && chmod 755 \"$2\"", "-", "#!/bin/bash\n\(script)\n",
          "\(folder)/bin/\(name)",
        ])
      let outcome = try writer.run { _, _ in }
      try #require(outcome.ending == .exited(0))
    }

    func write(_ path: String, _ text: String) throws {
      let url = URL(filePath: folder + "/" + path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }

    var calls: String { (try? String(contentsOfFile: folder + "/calls", encoding: .utf8)) ?? "" }

    var scripts: String {
      URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Scripts").path
    }

    /// As if the libraries had been made of the wheels that are pinned.
    func placeLibraries() throws {
      let lines = try String(contentsOfFile: scripts + "/wheels.txt", encoding: .utf8).split(separator: "\n")
      let pins = lines.filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ") }
      func stamp(_ names: [String]) -> String {
        names.map { name in pins.first { $0[0].hasPrefix(name + "==") }.map { "\($0[1]) " } ?? "" }.joined()
      }
      try write("cache/duckdb/.made-of", stamp(["duckdb"]))
      try write("cache/duckdb/libpython_stub.so", "stub")
      try write("cache/xgboost/.made-of", stamp(["xgboost-cpu"]))
      try write("cache/torch/.made-of", stamp(["torch", "nvidia-cuda-cupti", "nvidia-cuda-runtime"]))
      try write("cache/charts/.made-of", stamp(["lightweight-charts"]))
    }

    /// As after a set-up that went well.
    func placeAll() throws {
      try tool("python3", "[[ $* == *--version* ]] || { [[ $* == *version_info* ]] && echo 3.11; }")
      try placeLibraries()
      let list = try Data(contentsOf: URL(filePath: scripts + "/clients.txt"))
      try write("cache/clients/.made-of", "3.11 \(SHA256.hexDigest(of: Array(list)))  -")
    }

    func setUp() throws -> (code: ChildProcess.Ending, text: String) {
      var child = ChildProcess(executable: "/bin/bash", arguments: [scripts + "/setup.sh"])
      child.environment = ["PATH": "\(folder)/bin:/usr/bin:/bin", "CANDLECAST_CACHE": folder + "/cache"]
      var lines: [String] = []
      let outcome = try child.run { lines.append($1) }
      return (outcome.ending, lines.joined(separator: "\n"))
    }
  }

  @Test func `asks for the packages that are missing and no others`() throws {
    let machine = try Machine()
    try machine.tool("dpkg-query", "[[ $* == *libyaml-dev ]] || echo -n installed")
    let result = try machine.setUp()
    #expect(result.code == .exited(4))
    if geteuid() == 0 {
      #expect(machine.calls.hasSuffix("--no-install-recommends libyaml-dev\n"))
    } else {
      #expect(result.text.contains("sudo apt-get install --no-install-recommends libyaml-dev"))
      #expect(machine.calls.isEmpty)
    }
  }

  @Test func `without a network says which file to put where`() throws {
    let machine = try Machine()
    let result = try machine.setUp()
    #expect(result.code == .exited(4))
    #expect(result.text.contains("could not get duckdb-2.0.0-cp311"))
    #expect(result.text.contains("\(machine.folder)/cache/wheels/duckdb-2.0.0-cp311"))
    #expect(machine.calls.isEmpty)
  }

  @Test func `a damaged wheel is not used`() throws {
    let machine = try Machine()
    let wheel = "cache/wheels/duckdb-2.0.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
    try machine.write(wheel, "half a wheel")
    let result = try machine.setUp()
    #expect(result.code == .exited(4))
    #expect(result.text.contains("is damaged"))
  }

  @Test func `an older Swift is refused by name`() throws {
    let machine = try Machine()
    try machine.tool("swift", "echo 'Swift version 5.10'")
    let result = try machine.setUp()
    #expect(result.code == .exited(4))
    #expect(result.text.contains("Swift 5.10 is too old"))
  }

  @Test func `clients that cannot be fetched are said, with the list of them`() throws {
    let machine = try Machine()
    try machine.tool("python3", "[[ $* == *--version* ]] || { [[ $* == *version_info* ]] && echo 3.11; }")
    try machine.placeLibraries()
    let result = try machine.setUp()
    #expect(result.code == .exited(4))
    #expect(result.text.contains("installing ccxt, python-binance, moto, fastavro, tritonclient and schemathesis"))
    #expect(result.text.contains("Scripts/clients.txt"))
    #expect(result.text.contains("\(machine.folder)/cache/wheels"))
  }

  @Test func `a browser that cannot be had is done without`() throws {
    let machine = try Machine()
    try machine.placeAll()
    try machine.tool("dpkg-query", "[[ $* == *chromium ]] || echo -n installed")
    try machine.tool("apt-get", "exit 100")
    let result = try machine.setUp()
    #expect(result.code == .exited(0))
    #expect(result.text.contains("the page is not tested in a browser"))
  }

  @Test func `what is there is not made again`() throws {
    let machine = try Machine()
    try machine.placeAll()
    let result = try machine.setUp()
    #expect(result.code == .exited(0))
    #expect(result.text.isEmpty)
  }
}
