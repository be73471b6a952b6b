//! The table itself: one row for each field of VPC and Transit Gateway Flow Logs. A field that AWS adds is one more row.

use super::{EcsPath, EcsType, FieldInfo, Kind};

macro_rules! fields {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident $name:literal v $version:literal, $kind:expr, [$($ecs:literal $type:ident),+]
            $(, ocsf [$($ocsf:literal),+])?;
    )+) => {
        /// A field of the vocabulary; its number is its row in [`FIELDS`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Field {
            $($(#[doc = $doc])+ $field,)+
        }

        /// Every field, in the order of [`Field`]. Source of names, types and versions: AWS, "Flow log records".
        ///
        /// Amounts are numbers in documents; codes (a version, TCP flags, a traffic path) are keywords, as Elastic's own
        /// integration has them and as ECS has `network.iana_number`. What has no place in OCSF stands under `unmapped`.
        pub const FIELDS: &[FieldInfo] = &[
            $(FieldInfo {
                field: Field::$field,
                name: $name,
                kind: $kind,
                version: $version,
                ecs: &[$(EcsPath { path: $ecs, kind: EcsType::$type }),+],
                ocsf: &[$($($ocsf),+)?],
                doc: concat!($($doc),+),
            },)+
        ];
    };
}

fields! {
    /// The highest version among the log's fields.
    Version "version" v 2, Kind::Uint(255), ["aws.vpcflow.version" Keyword], ocsf ["metadata.product.version", "metadata.log_version"];
    /// The account that owns the interface; leading zeros are part of it.
    AccountId "account-id" v 2, Kind::Text, ["cloud.account.id" Keyword, "aws.vpcflow.account_id" Keyword], ocsf ["cloud.account.uid", "metadata.tenant_uid"];
    /// The network interface that saw the flow.
    InterfaceId "interface-id" v 2, Kind::Text, ["aws.vpcflow.interface_id" Keyword], ocsf ["device.interface_uid", "unmapped.interface_id"];
    /// The sender, as the interface sees it.
    SrcAddr "srcaddr" v 2, Kind::Address, ["source.ip" Ip, "source.address" Keyword], ocsf ["src_endpoint.ip", "src_endpoint.intermediate_ips"];
    /// The receiver, as the interface sees it.
    DstAddr "dstaddr" v 2, Kind::Address, ["destination.ip" Ip, "destination.address" Keyword], ocsf ["dst_endpoint.ip", "dst_endpoint.intermediate_ips"];
    /// The sender's port.
    SrcPort "srcport" v 2, Kind::Uint(65_535), ["source.port" Long], ocsf ["src_endpoint.port"];
    /// The receiver's port.
    DstPort "dstport" v 2, Kind::Uint(65_535), ["destination.port" Long], ocsf ["dst_endpoint.port"];
    /// The IANA protocol number.
    Protocol "protocol" v 2, Kind::Uint(255), ["network.iana_number" Keyword], ocsf ["connection_info.protocol_num"];
    /// Packets sent in the window.
    Packets "packets" v 2, Kind::Uint(u64::MAX), ["source.packets" Long, "network.packets" Long], ocsf ["traffic.packets", "traffic.packets_out"];
    /// Bytes sent in the window.
    Bytes "bytes" v 2, Kind::Uint(u64::MAX), ["source.bytes" Long, "network.bytes" Long], ocsf ["traffic.bytes", "traffic.bytes_out"];
    /// First packet, seconds since 1970.
    Start "start" v 2, Kind::Uint(253_402_300_799), ["event.start" Date], ocsf ["time", "start_time"];
    /// Last packet, seconds since 1970.
    End "end" v 2, Kind::Uint(253_402_300_799), ["event.end" Date, "@timestamp" Date], ocsf ["end_time"];
    /// Accepted or rejected.
    Action "action" v 2, Kind::Action, ["event.action" Keyword, "aws.vpcflow.action" Keyword], ocsf ["action"];
    /// Whether the log saw all of the window.
    LogStatus "log-status" v 2, Kind::LogStatus, ["aws.vpcflow.log_status" Keyword], ocsf ["status_code"];
    /// The VPC of the interface.
    VpcId "vpc-id" v 3, Kind::Text, ["aws.vpcflow.vpc_id" Keyword], ocsf ["device.vpc_uid"];
    /// The subnet of the interface.
    SubnetId "subnet-id" v 3, Kind::Text, ["aws.vpcflow.subnet_id" Keyword], ocsf ["device.subnet_uid"];
    /// The instance of the interface.
    InstanceId "instance-id" v 3, Kind::Text, ["cloud.instance.id" Keyword, "aws.vpcflow.instance_id" Keyword], ocsf ["device.instance_uid"];
    /// TCP flags seen, combined by OR.
    TcpFlags "tcp-flags" v 3, Kind::Uint(255), ["aws.vpcflow.tcp_flags" Keyword], ocsf ["connection_info.tcp_flags"];
    /// IPv4, IPv6 or EFA.
    Type "type" v 3, Kind::Text, ["aws.vpcflow.type" Keyword];
    /// The sender in the packet itself.
    PktSrcAddr "pkt-srcaddr" v 3, Kind::Address, ["aws.vpcflow.pkt_srcaddr" Ip, "source.nat.ip" Ip], ocsf ["src_endpoint.ip"];
    /// The receiver in the packet itself.
    PktDstAddr "pkt-dstaddr" v 3, Kind::Address, ["aws.vpcflow.pkt_dstaddr" Ip, "destination.nat.ip" Ip], ocsf ["dst_endpoint.ip"];
    /// The region of the interface.
    Region "region" v 4, Kind::Text, ["cloud.region" Keyword], ocsf ["cloud.region"];
    /// The availability zone's id.
    AzId "az-id" v 4, Kind::Text, ["cloud.availability_zone" Keyword], ocsf ["cloud.zone"];
    /// Wavelength, outpost or localzone.
    SublocationType "sublocation-type" v 4, Kind::Text, ["aws.vpcflow.sublocation.type" Keyword];
    /// The sublocation's id.
    SublocationId "sublocation-id" v 4, Kind::Text, ["aws.vpcflow.sublocation.id" Keyword];
    /// The AWS service of the packet's sender.
    PktSrcAwsService "pkt-src-aws-service" v 5, Kind::Text, ["aws.vpcflow.pkt_src_service" Keyword], ocsf ["src_endpoint.svc_name"];
    /// The AWS service of the packet's receiver.
    PktDstAwsService "pkt-dst-aws-service" v 5, Kind::Text, ["aws.vpcflow.pkt_dst_service" Keyword], ocsf ["dst_endpoint.svc_name"];
    /// Ingress or egress, as the interface sees it.
    FlowDirection "flow-direction" v 5, Kind::Text, ["aws.vpcflow.flow_direction" Keyword];
    /// Which way egress traffic takes.
    TrafficPath "traffic-path" v 5, Kind::Uint(255), ["aws.vpcflow.traffic_path" Keyword], ocsf ["connection_info.boundary_id"];
    /// The ECS cluster's ARN.
    EcsClusterArn "ecs-cluster-arn" v 7, Kind::Text, ["aws.vpcflow.ecs_cluster_arn" Keyword, "orchestrator.cluster.id" Keyword];
    /// The ECS cluster's name.
    EcsClusterName "ecs-cluster-name" v 7, Kind::Text, ["aws.vpcflow.ecs_cluster_name" Keyword, "orchestrator.cluster.name" Keyword];
    /// The ECS container instance's ARN.
    EcsContainerInstanceArn "ecs-container-instance-arn" v 7, Kind::Text, ["aws.vpcflow.ecs_container_instance_arn" Keyword, "orchestrator.resource.name" Keyword];
    /// The ECS container instance's id.
    EcsContainerInstanceId "ecs-container-instance-id" v 7, Kind::Text, ["aws.vpcflow.ecs_container_instance_id" Keyword, "orchestrator.resource.id" Keyword];
    /// The first container's runtime id.
    EcsContainerId "ecs-container-id" v 7, Kind::Text, ["aws.vpcflow.ecs_container_id" Keyword, "container.id" Keyword];
    /// The second container's runtime id.
    EcsSecondContainerId "ecs-second-container-id" v 7, Kind::Text, ["aws.vpcflow.ecs_second_container_id" Keyword];
    /// The ECS service of the task.
    EcsServiceName "ecs-service-name" v 7, Kind::Text, ["aws.vpcflow.ecs_service_name" Keyword, "service.name" Keyword];
    /// The ECS task definition's ARN.
    EcsTaskDefinitionArn "ecs-task-definition-arn" v 7, Kind::Text, ["aws.vpcflow.ecs_task_definition_arn" Keyword];
    /// The ECS task's ARN.
    EcsTaskArn "ecs-task-arn" v 7, Kind::Text, ["aws.vpcflow.ecs_task_arn" Keyword];
    /// The ECS task's id.
    EcsTaskId "ecs-task-id" v 7, Kind::Text, ["aws.vpcflow.ecs_task_id" Keyword];
    /// Why a flow was rejected.
    RejectReason "reject-reason" v 8, Kind::Text, ["aws.vpcflow.reject_reason" Keyword], ocsf ["status_detail"];
    /// The resource that the log belongs to, such as a regional NAT gateway.
    ResourceId "resource-id" v 9, Kind::Text, ["aws.vpcflow.resource_id" Keyword], ocsf ["device.uid"];
    /// How the flow is encrypted in transit.
    EncryptionStatus "encryption-status" v 10, Kind::Uint(255), ["aws.vpcflow.encryption_status" Keyword];
    /// The first instance tag logged, percent-encoded.
    InstanceTag "instance-tag" v 11, Kind::Text, ["aws.vpcflow.instance_tag" Keyword];
    /// The second instance tag logged, percent-encoded.
    InstanceTag2 "instance-tag-2" v 11, Kind::Text, ["aws.vpcflow.instance_tag_2" Keyword];
    /// The first interface tag logged, percent-encoded.
    InterfaceTag "interface-tag" v 11, Kind::Text, ["aws.vpcflow.interface_tag" Keyword];
    /// The second interface tag logged, percent-encoded.
    InterfaceTag2 "interface-tag-2" v 11, Kind::Text, ["aws.vpcflow.interface_tag_2" Keyword];
    /// The first Auto Scaling group tag logged, percent-encoded.
    AsgTag "asg-tag" v 11, Kind::Text, ["aws.vpcflow.asg_tag" Keyword];
    /// The second Auto Scaling group tag logged, percent-encoded.
    AsgTag2 "asg-tag-2" v 11, Kind::Text, ["aws.vpcflow.asg_tag_2" Keyword];
    /// What kind of interface it is.
    InterfaceType "interface-type" v 11, Kind::Text, ["aws.vpcflow.interface_type" Keyword];
    /// The interface on the other side.
    NextHopInterfaceId "next-hop-interface-id" v 11, Kind::Text, ["aws.vpcflow.next_hop_interface_id" Keyword];
    /// The other side's subnet.
    NextHopSubnetId "next-hop-subnet-id" v 11, Kind::Text, ["aws.vpcflow.next_hop_subnet_id" Keyword];
    /// The other side's availability zone.
    NextHopAzId "next-hop-az-id" v 11, Kind::Text, ["aws.vpcflow.next_hop_az_id" Keyword];
    /// The other side's VPC.
    NextHopVpcId "next-hop-vpc-id" v 11, Kind::Text, ["aws.vpcflow.next_hop_vpc_id" Keyword];
    /// What kind of interface the other side is.
    NextHopInterfaceType "next-hop-interface-type" v 11, Kind::Text, ["aws.vpcflow.next_hop_interface_type" Keyword];
    /// What the log is of: `TransitGateway` or `TransitGatewayAttachment`.
    ResourceType "resource-type" v 6, Kind::Text, ["aws.vpcflow.resource_type" Keyword];
    /// The transit gateway.
    TgwId "tgw-id" v 6, Kind::Text, ["aws.vpcflow.tgw_id" Keyword];
    /// The attachment that saw the flow.
    TgwAttachmentId "tgw-attachment-id" v 6, Kind::Text, ["aws.vpcflow.tgw_attachment_id" Keyword];
    /// The account of the sender's VPC.
    TgwSrcVpcAccountId "tgw-src-vpc-account-id" v 6, Kind::Text, ["aws.vpcflow.tgw_src_vpc_account_id" Keyword];
    /// The account of the receiver's VPC.
    TgwDstVpcAccountId "tgw-dst-vpc-account-id" v 6, Kind::Text, ["aws.vpcflow.tgw_dst_vpc_account_id" Keyword];
    /// The sender's VPC.
    TgwSrcVpcId "tgw-src-vpc-id" v 6, Kind::Text, ["aws.vpcflow.tgw_src_vpc_id" Keyword], ocsf ["src_endpoint.vpc_uid"];
    /// The receiver's VPC.
    TgwDstVpcId "tgw-dst-vpc-id" v 6, Kind::Text, ["aws.vpcflow.tgw_dst_vpc_id" Keyword], ocsf ["dst_endpoint.vpc_uid"];
    /// The subnet of the transit gateway in the sender's VPC.
    TgwSrcSubnetId "tgw-src-subnet-id" v 6, Kind::Text, ["aws.vpcflow.tgw_src_subnet_id" Keyword], ocsf ["src_endpoint.subnet_uid"];
    /// The subnet of the transit gateway in the receiver's VPC.
    TgwDstSubnetId "tgw-dst-subnet-id" v 6, Kind::Text, ["aws.vpcflow.tgw_dst_subnet_id" Keyword], ocsf ["dst_endpoint.subnet_uid"];
    /// The transit gateway's interface in the sender's VPC.
    TgwSrcEni "tgw-src-eni" v 6, Kind::Text, ["aws.vpcflow.tgw_src_eni" Keyword], ocsf ["src_endpoint.interface_uid"];
    /// The transit gateway's interface in the receiver's VPC.
    TgwDstEni "tgw-dst-eni" v 6, Kind::Text, ["aws.vpcflow.tgw_dst_eni" Keyword], ocsf ["dst_endpoint.interface_uid"];
    /// The availability zone of the sender's attachment.
    TgwSrcAzId "tgw-src-az-id" v 6, Kind::Text, ["aws.vpcflow.tgw_src_az_id" Keyword], ocsf ["src_endpoint.zone"];
    /// The availability zone of the receiver's attachment.
    TgwDstAzId "tgw-dst-az-id" v 6, Kind::Text, ["aws.vpcflow.tgw_dst_az_id" Keyword], ocsf ["dst_endpoint.zone"];
    /// The attachment on the other side.
    TgwPairAttachmentId "tgw-pair-attachment-id" v 6, Kind::Text, ["aws.vpcflow.tgw_pair_attachment_id" Keyword];
    /// Packets lost because there was no route.
    PacketsLostNoRoute "packets-lost-no-route" v 6, Kind::Uint(u64::MAX), ["aws.vpcflow.packets_lost_no_route" Long];
    /// Packets lost in a blackhole route.
    PacketsLostBlackhole "packets-lost-blackhole" v 6, Kind::Uint(u64::MAX), ["aws.vpcflow.packets_lost_blackhole" Long];
    /// Packets lost because they were too large.
    PacketsLostMtuExceeded "packets-lost-mtu-exceeded" v 6, Kind::Uint(u64::MAX), ["aws.vpcflow.packets_lost_mtu_exceeded" Long];
    /// Packets lost because their time to live was over.
    PacketsLostTtlExpired "packets-lost-ttl-expired" v 6, Kind::Uint(u64::MAX), ["aws.vpcflow.packets_lost_ttl_expired" Long];
}
