package report

import "encoding/json"

// An Amount is what Cloud Backup's ECS File Backup Essential Edition protects
// somewhere: in a region, in an account, in all accounts.
type Amount struct {
	// ProtectedDataBytes is the capacity of the cloud disks attached to the
	// backed-up instances, in bytes. It is the billing base, not the size of
	// the backups.
	ProtectedDataBytes int64 `json:"protected_data_bytes"`
	// ProtectedResourceCount is the number of backed-up ECS instances.
	ProtectedResourceCount int64 `json:"protected_resource_count"`
}

// A Region is what is protected in one region.
type Region struct {
	RegionID string `json:"region_id"`
	Amount
}

// Statistics is one good answer of the Cloud Backup API GetBasicStatistics
// (version 2017-09-08): what one account protects now, of one source type.
type Statistics struct {
	RequestID string
	Total     Amount          // over all regions, as the service says
	Regions   []Region        // each region once; not necessarily adding up to Total
	Response  json.RawMessage // the whole answer as it came, valid JSON in valid UTF-8
}
