import { features } from '@lab/common/testing/features.ts'
import { pipelineContract } from '@lab/common/testing/pipeline-contract.ts'
import { openPipeline } from './pipeline.ts'

pipelineContract(features['streaming-kafka'], openPipeline)
