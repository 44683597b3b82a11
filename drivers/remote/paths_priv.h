/* paths_priv.h — the service under both of its spellings (H-01). */
#pragma once

#define LEGAL_SERVICE "/agents.x_k8s.io.v1beta1.SnapshotDriver/"
#define LITERAL_SERVICE "/agents.x-k8s.io.v1beta1.SnapshotDriver/"
