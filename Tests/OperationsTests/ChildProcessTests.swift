import Glibc
import Operations
import Testing

struct ChildProcessTests {
  private func shell(_ script: String) -> ChildProcess {
    ChildProcess(executable: "/bin/sh", arguments: ["-c", script])
  }

  @Test func `hands on the lines of both streams in order`() throws {
    var output: [String] = []
    var error: [String] = []
    let outcome = try shell("echo one; echo oops >&2; echo; printf 'last without end'; exit 3").run { stream, line in
      if stream == .output { output.append(line) } else { error.append(line) }
    }
    #expect(output == ["one", "", "last without end"])
    #expect(error == ["oops"])
    #expect(outcome.ending == .exited(3))
    #expect(outcome.peakResidentBytes > 0)
  }

  @Test func `takes more than a pipe holds`() throws {
    var count = 0
    _ = try shell("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done").run { _, line in
      count += line == "0123456789" ? 1 : 0
    }
    #expect(count == 20_000)
  }

  @Test func `a child that is asked to stop ends by the signal`() throws {
    var hasStarted = false
    let outcome = try shell("echo ready; exec sleep 60").run(shouldStop: { hasStarted }) { _, _ in hasStarted = true }
    #expect(outcome.ending == .killed(signal: 15))
  }

  @Test func `only a child that ends with us is told of us`() throws {
    var child = shell("echo ${CANDLECAST_PARENT:-nobody} $OTHER")
    var lines: [String] = []
    _ = try child.run { lines.append($1) }
    child.endsWithUs = true
    _ = try child.run { lines.append($1) }
    child.environment = ["OTHER": "thing"]
    _ = try child.run { lines.append($1) }
    #expect(lines == ["nobody", "\(getpid())", "\(getpid()) thing"])
  }

  @Test func `a child whose parent has ended ends too`() {
    #expect(Parent.follow([:]))
    #expect(!Parent.follow(["CANDLECAST_PARENT": "\(getpid())"]), "nobody is their own parent")
  }

  @Test func `a child that does not listen is killed`() throws {
    var child = shell("trap '' TERM; echo ready; while :; do :; done")
    child.graceSeconds = 0.1
    var hasStarted = false
    let outcome = try child.run(shouldStop: { hasStarted }) { _, _ in hasStarted = true }
    #expect(outcome.ending == .killed(signal: 9))
  }

  @Test func `gives the child its environment and nothing else`() throws {
    var child = shell("echo $COLOUR-$HOME")
    child.environment = ["COLOUR": "red"]
    var lines: [String] = []
    _ = try child.run { lines.append($1) }
    #expect(lines == ["red-"])
  }

  @Test func `says which program cannot be started and why`() {
    let child = ChildProcess(executable: "/no/such/program", arguments: [])
    let error = #expect(throws: ChildProcessError.self) { try child.run { _, _ in } }
    #expect(error?.description == "cannot start /no/such/program: No such file or directory")
  }
}
