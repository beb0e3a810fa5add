import Ingestion
import Testing

@testable import candlecast
