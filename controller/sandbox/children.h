/* children.h — the objects a Sandbox makes: Pod, volume claims, Service. Pure functions over trees.
 *
 * What is built is a new tree of the caller's; a patch is a merge patch that touches only what differs,
 * or NULL where nothing does. Messages live in `arena`.
 */
#pragma once

#include "kube/object.h"
#include "kube/snapshot_driver.h"

/* Who controls an object, seen from the Sandbox (SBX-040): only the controller's uid counts. */
enum ownership { OWNERSHIP_OURS, OWNERSHIP_NOBODY, OWNERSHIP_FOREIGN };
enum ownership ownership_of(const json_t *child, const json_t *sandbox);
/* An unowned object that says it may be adopted, or carries our tracking label (SBX-042 to SBX-045). */
bool is_adoptable(const json_t *child, const json_t *sandbox);

/* The tracking label's value. */
void name_hash(const json_t *sandbox, char ret[9]);

/* ---- Pod (SBX-010 to SBX-019) ---- */
json_t *pod_build(const json_t *sandbox);
/* Metadata drift of a Pod of ours (SBX-095 to SBX-098, SBX-017, SBX-018). */
json_t *pod_metadata_patch(const json_t *sandbox, const json_t *pod);
/* Takes an unowned Pod over: owner and metadata in one patch, bound to the Pod's resourceVersion. */
json_t *pod_adoption_patch(const json_t *sandbox, const json_t *pod);
/* Applies what a driver's Restore said (DRV-033). All or nothing: false with `ret_why` where a key is
 * unknown or malformed, or names a container that is not there; `pod` must not be used then. */
bool pod_inject(json_t *pod, const struct kvmap *restore_metadata, struct arena *arena,
                const char **ret_why);
/* hash8 of podTemplate.spec: what must not change between checkpoint and restore (H-30). */
void pod_template_hash(const json_t *sandbox, char ret[9]);

/* ---- volume claims (SBX-055, SBX-012) ---- */
const char *pvc_name(struct arena *arena, const json_t *sandbox, const json_t *claim_template);
json_t *pvc_build(struct arena *arena, const json_t *sandbox, const json_t *claim_template);

/* ---- Service (SBX-060 to SBX-067) ---- */
enum service_wish { SERVICE_UNSET, SERVICE_YES, SERVICE_NO };
enum service_wish service_wish(const json_t *sandbox);
json_t *service_build(const json_t *sandbox);
json_t *service_patch(const json_t *sandbox, const json_t *service, bool ports_too);
json_t *service_adoption_patch(const json_t *sandbox, const json_t *service);

/* Adds an owner to what stands in metadata, as a merge patch bound to the object's resourceVersion. */
json_t *adoption_patch(const json_t *sandbox, const json_t *child);
