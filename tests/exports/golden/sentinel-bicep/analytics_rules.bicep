@description('Name of the Log Analytics workspace.')
param workspace string

resource logAnalytics 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspace
}

resource t1485_snapshot_deleted 'Microsoft.SecurityInsights/alertRules@2025-09-01' = {
  scope: logAnalytics
  name: '96dc33fd-171f-5046-8b7c-03a95a12371e'
  kind: 'Scheduled'
  properties: {
    displayName: 'Disk snapshot deleted by a person'
    description: 'A disk snapshot deleted in AWS by an identity that is no service: "who", \'when\' and C:\\where are in the row.\n\nSnapshots are what a machine is restored from.'
    severity: 'High'
    enabled: true
    query: '// Snapshots deleted by a person: $userId, \${name} and \'quoted\' are text.\nAWSCloudTrail\n| where EventName == "DeleteSnapshot" and isempty(UserIdentityInvokedBy)\n| project TimeGenerated, Actor = UserIdentityArn, SourceIP = SourceIpAddress'
    queryFrequency: 'PT1H'
    queryPeriod: 'PT2H'
    triggerOperator: 'GreaterThan'
    triggerThreshold: 0
    suppressionEnabled: false
    suppressionDuration: 'PT1H'
    tactics: [
      'Impact'
    ]
    techniques: [
      'T1485'
      'T1578'
    ]
    subTechniques: [
      'T1578.003'
    ]
    templateVersion: '1.0.0'
    eventGroupingSettings: {
      aggregationKind: 'AlertPerResult'
    }
    incidentConfiguration: {
      createIncident: true
      groupingConfiguration: {
        enabled: true
        reopenClosedIncident: false
        lookbackDuration: 'PT2H'
        matchingMethod: 'AllEntities'
      }
    }
    entityMappings: [
      {
        entityType: 'Account'
        fieldMappings: [
          {
            identifier: 'FullName'
            columnName: 'Actor'
          }
        ]
      }
      {
        entityType: 'IP'
        fieldMappings: [
          {
            identifier: 'Address'
            columnName: 'SourceIP'
          }
        ]
      }
    ]
  }
}
