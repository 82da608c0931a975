import { pipelineContract } from '@lab/common/testing/pipeline-contract.ts'
import { features, openPipeline } from './pipeline.ts'

pipelineContract(features['sync-rest'], openPipeline)
