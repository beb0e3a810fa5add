#pragma once
#include <libpq-fe.h>

// Macros of the diagnostics that Swift does not import as numbers.

static const int candlecast_pq_sqlstate = PG_DIAG_SQLSTATE;
static const int candlecast_pq_primary = PG_DIAG_MESSAGE_PRIMARY;
