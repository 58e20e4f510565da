// Everything: remote objects and distributed arrays that behave like local ones.
#pragma once

#include "distob/array.h"
#include "distob/array_codec.h"
#include "distob/calls.h"
#include "distob/cluster.h"
#include "distob/codec.h"
#include "distob/errors.h"
#include "distob/future.h"
#include "distob/linalg.h"
#include "distob/picking.h"
#include "distob/random.h"
#include "distob/remote.h"
#include "distob/sorting.h"
