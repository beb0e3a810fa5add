internal import Glibc
internal import Synchronization

/// A real PostgreSQL in a temporary folder, reached through a socket there; it ends with this process at the latest.
///
/// A shell holds it and listens to a pipe: when the pipe closes, however that came about, it ends the server by its
/// process id and removes the folder.
package final class PostgresServer: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  private struct Pipes: ~Copyable {
    let commands: UnsafeMutablePointer<FILE>
    let answers: UnsafeMutablePointer<FILE>
    let shell: pid_t

    /// The shell is waited for: a child that has ended and is not taken away stops tests that wait for children.
    deinit {
      fclose(commands)
      var status: Int32 = 0
      while waitpid(shell, &status, 0) == -1, errno == EINTR {}
      fclose(answers)
    }

    func ask(_ command: String) throws {
      fputs(command + "\n", commands)
      fflush(commands)
      try expectDone(command)
    }

    func expectDone(_ command: String) throws {
      var line = [CChar](repeating: 0, count: 4096)
      guard fgets(&line, Int32(line.count), answers) != nil else {
        throw Failure(
          description: "PostgreSQL 15 does not start here: \(command): install postgresql-15 (`make setup`)")
      }
      let answer = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard answer == "done" else { throw Failure(description: "\(command): \(answer)") }
    }
  }

  /// Of the sockets and of everything else.
  package let folder: String
  private let pipes: Mutex<Pipes>

  private static let common: Result<PostgresServer, any Error> = Result { try PostgresServer() }

  /// One for all tests of a process.
  package static func shared() throws -> PostgresServer { try common.get() }

  /// - Parameters:
  ///   - settings: lines of `postgresql.conf`.
  ///   - port: part of the socket's name, and of the addresses where the settings let it listen.
  ///   - preparation: commands for a shell in the folder, as the user that the server runs as.
  package init(settings: [String] = [], port: UInt16 = 5432, preparation: String = "") throws {
    var template = Array("/tmp/candlecast-pg-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary folder") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let opened = try Self.spawn([folder, settings.joined(separator: "\n"), "\(port)", preparation])
    try opened.expectDone("start")
    pipes = Mutex(opened)
  }

  /// Of a database that may not be there, for the user that may do everything.
  package func address(_ database: String = "postgres", user: String = "candlecast") -> String {
    "postgres://\(user)@\(folder.replacing("/", with: "%2F"))/\(database)"
  }

  /// A fresh database, gone with the last reference.
  package func makeDatabase() throws -> PostgresDatabase { try PostgresDatabase(self) }

  /// The address of a schema of its own, which is cheaper than a database and ends with the server.
  package func makeSchema() throws -> String {
    let name = "s\(PostgresDatabase.nextNumber())"
    try run("CREATE SCHEMA \(name)")
    return address() + "?options=-c%20search_path%3D" + name
  }

  /// A fresh user who is asked for the password and may do nothing yet; ends with the server.
  package func makeUser(password: String) throws -> String {
    let name = "u\(PostgresDatabase.nextNumber())"
    try run("CREATE ROLE \(name) LOGIN PASSWORD '\(password)' IN ROLE guarded")
    return name
  }

  package func run(_ sql: String, in database: String = "postgres") throws {
    try pipes.withLock { try $0.ask("run \(database) \(sql.replacing("\n", with: " "))") }
  }

  package func stop() throws { try pipes.withLock { try $0.ask("stop") } }

  package func start() throws { try pipes.withLock { try $0.ask("start") } }

  // MARK: The shell

  private static func spawn(_ parameters: [String]) throws -> Pipes {
    var commands: [Int32] = [0, 0]
    var answers: [Int32] = [0, 0]
    guard pipe(&commands) == 0, pipe(&answers) == 0 else { throw Failure(description: "no pipe") }
    for end in commands + answers { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, commands[0], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO)
    // A group of its own: what ends the tests by a key ends the server through the pipe.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    let words = ["/bin/bash", "-c", script, "postgres-of-tests"] + parameters
    var arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var process = pid_t()
    let status = posix_spawn(&process, "/bin/bash", &actions, &attributes, &arguments, environ)
    close(commands[0])
    close(answers[1])
    guard status == 0, let writer = fdopen(commands[1], "w"), let reader = fdopen(answers[0], "r") else {
      throw Failure(description: "no shell")
    }
    return Pipes(commands: writer, answers: reader, shell: process)
  }

  /// Answers each command with one line. Runs as the user `postgres` when root would.
  private static let script = #"""
    folder=$1 settings=$2 port=$3 preparation=$4
    if ((EUID == 0)); then
      chown postgres "$folder"
      exec setpriv --reuid=postgres --regid=postgres --init-groups bash -c "$BASH_EXECUTION_STRING" "$0" "$@"
    fi
    cd "$folder" || exit
    export PATH=/usr/lib/postgresql/15/bin:$PATH PGHOST=$folder PGPORT=$port PGUSER=candlecast LC_ALL=C
    unset PGPASSWORD PGDATABASE PGOPTIONS PGSERVICE
    finish() {
      [[ -f data/postmaster.pid ]] && pg_ctl -D data -m immediate -w stop >/dev/null 2>&1
      rm -rf "$folder"
      exit
    }
    trap finish TERM INT HUP
    answer() { if "$@" >out 2>&1; then echo "done"; else { tail -n 3 out server.log 2>/dev/null | tr '\n' ' '; echo; }; fi; }
    start() { pg_ctl -D data -l server.log -w -t 60 start; }
    make() {
      bash -ec "$preparation" || return
      initdb --no-sync --auth=trust --username=candlecast --encoding=UTF8 --no-locale -D data || return
      printf '%s\n' "local all +guarded scram-sha-256" "$(cat data/pg_hba.conf)" >data/pg_hba.conf
      printf '%s\n' "unix_socket_directories = '$folder'" "listen_addresses = ''" "max_connections = 300" \
        "fsync = off" "full_page_writes = off" "autovacuum_naptime = 5s" "$settings" >>data/postgresql.conf
      start && psql -qX -d postgres -c 'CREATE ROLE guarded'
    }
    answer make
    while read -r verb first rest; do
      case $verb in
        run) answer psql -qX -v ON_ERROR_STOP=1 -d "$first" -c "$rest" ;;
        stop) answer pg_ctl -D data -m fast -w stop ;;
        start) answer start ;;
      esac
    done
    finish
    """#
}

/// A database of a server of the tests.
package final class PostgresDatabase: Sendable {
  package let name: String
  private let server: PostgresServer

  private static let count = Atomic<Int>(0)

  fileprivate static func nextNumber() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }

  fileprivate init(_ server: PostgresServer) throws {
    self.server = server
    name = "d\(Self.nextNumber())"
    try server.run("CREATE DATABASE \(name)")
  }

  deinit { try? server.run("DROP DATABASE \(name) WITH (FORCE)") }

  package var address: String { server.address(name) }

  package func address(user: String) -> String { server.address(name, user: user) }

  package func run(_ sql: String) throws { try server.run(sql, in: name) }
}
